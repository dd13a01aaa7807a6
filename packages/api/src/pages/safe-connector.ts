import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { PortolanError } from '@portolan/core';
import { buildConnector } from 'undici';
import type { HostPolicy, Target } from './host-policy.ts';

/** All addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

interface SafeConnectorOptions {
  readonly policy: HostPolicy;
  readonly lookup: Lookup;
  readonly timeoutMs: number;
  /** Told of each address that was refused; callers only learn the host they asked for. */
  readonly onRefused: (target: Target, address: string) => void;
  /** Builds the connector that opens sockets; tests put one here that ignores the lookup. */
  readonly build?: typeof buildConnector;
}

/** A refusal that names the host asked for and never the address found, so that nobody maps a private network with it. */
export function refusal(target: Target): PortolanError {
  return new PortolanError('FORBIDDEN', `${target.hostname} may not be fetched`);
}

/**
 * An undici connector that opens sockets only to admitted addresses. It judges an IP literal (for which no lookup runs), every answer
 * of the one lookup whose answers are then connected to (so a name cannot change in between), and last the address really reached.
 * It runs for each new connection, so redirects and retries pass it too.
 */
export function createSafeConnector(options: SafeConnectorOptions): buildConnector.connector {
  const { policy, lookup, timeoutMs, onRefused, build = buildConnector } = options;

  return (target, callback) => {
    const admit = (address: string): boolean => {
      const admitted = policy.admits(target, address);
      if (!admitted) onRefused(target, address);
      return admitted;
    };
    if (isIP(target.hostname) && !admit(target.hostname)) {
      queueMicrotask(() => callback(refusal(target), null));
      return;
    }

    const vettedLookup: LookupFunction = (hostname, { all }, done) => {
      lookup(hostname).then(
        (addresses) => {
          const [first] = addresses;
          if (!first) done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '');
          else if (!addresses.every(({ address }) => admit(address))) done(refusal(target), '');
          else if (all) done(null, [...addresses]);
          else done(null, first.address, first.family);
        },
        (error) => done(error, ''),
      );
    };

    const connect = build({ lookup: vettedLookup, timeout: timeoutMs, allowH2: false, maxCachedSessions: 0 });
    connect(target, (...result) => {
      const [error, socket] = result;
      if (error) return callback(error, null);
      const reached = socket.remoteAddress;
      if (reached !== undefined && admit(reached)) return callback(null, socket);
      socket.on('error', () => undefined).destroy();
      callback(reached === undefined ? new Error('the connection closed at once') : refusal(target), null);
    });
  };
}
