import { isIP, isIPv6 } from 'node:net';
import { invalid } from '@portolan/core';
import { isPublicAddress } from './public-address.ts';

/** Where a request goes: a URL has it, and what undici hands to a connector. */
export interface Target {
  /** A name, or an IP address with or without the brackets of IPv6. */
  readonly hostname: string;
  /** Empty for the scheme's own. */
  readonly port: string;
  readonly protocol: string;
}

export interface HostPolicy {
  /** May this target be asked for at all, before its name is resolved? */
  permits(target: Target): boolean;
  /** May a connection to this target go to this address? */
  admits(target: Target, address: string): boolean;
}

const WEB_PORTS: ReadonlySet<string> = new Set(['80', '443']);
/** Names that only resolve inside a machine or a network (RFC 6761, 6762, 8375 and ICANN's .internal). */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|home\.arpa)$/;

const withoutBrackets = (hostname: string) => hostname.replace(/^\[|\]$/g, '');
const portOf = ({ port, protocol }: Target) => port || (protocol === 'https:' ? '443' : '80');

function endpointOf(target: Target): string {
  const host = isIPv6(target.hostname) ? `[${target.hostname}]` : target.hostname;
  return `${host}:${portOf(target)}`;
}

const ENTRY = /^(\[[\da-f:.]+\]|[^\s/?#@\\:[\]]+):(\d{1,5})$/i;

function parseEntry(entry: string): string {
  const [, host, port] = ENTRY.exec(entry.trim()) ?? [];
  const hostname = host && URL.parse(`http://${host}/`)?.hostname;
  if (!hostname || Number(port) < 1 || Number(port) > 65_535) {
    throw invalid(`${JSON.stringify(entry)} is not host:port, like localhost:9000 or [::1]:9000`);
  }
  return `${hostname}:${Number(port)}`;
}

/**
 * Which hosts may be fetched: public ones on ports 80 and 443, and exactly the `host:port` entries of `allow`, which may be private
 * and on any port. An entry holds for a URL that names that very host: `127.0.0.1:9000` does not open `localhost:9000`. Throws
 * INVALID for an entry that cannot be read.
 */
export function createHostPolicy(allow: readonly string[]): HostPolicy {
  const allowed: ReadonlySet<string> = new Set(allow.map(parseEntry));
  return {
    permits(target) {
      if (allowed.has(endpointOf(target))) return true;
      if (!WEB_PORTS.has(portOf(target))) return false;
      const host = withoutBrackets(target.hostname);
      if (isIP(host)) return isPublicAddress(host);
      const name = host.replace(/\.$/, '');
      return name.includes('.') && !LOCAL_NAME.test(name);
    },
    admits: (target, address) => allowed.has(endpointOf(target)) || isPublicAddress(address),
  };
}
