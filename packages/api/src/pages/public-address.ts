import { isIPv4, isIPv6 } from 'node:net';

/** The first `bits` bits of `value`, an address as a number. */
interface Prefix {
  readonly value: bigint;
  readonly bits: number;
}

function numberOfV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

/** Takes what `isIPv6` accepts and has no zone. */
function numberOfV6(text: string): bigint {
  const groupsOf = (part: string) =>
    (part === '' ? [] : part.split(':')).flatMap((group) => {
      if (!group.includes('.')) return [BigInt(`0x${group}`)];
      const v4 = numberOfV4(group);
      return [v4 >> 16n, v4 & 0xffffn];
    });
  const [before = '', after] = text.split('::');
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0n);
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function prefixes(parse: (text: string) => bigint, ranges: string): readonly Prefix[] {
  return ranges
    .trim()
    .split(/\s+/)
    .map((range) => {
      const [address = '', bits] = range.split('/');
      return { value: parse(address), bits: Number(bits) };
    });
}

const within = (value: bigint, width: number, list: readonly Prefix[]) =>
  list.some((prefix) => value >> BigInt(width - prefix.bits) === prefix.value >> BigInt(width - prefix.bits));

/** The IANA special-purpose registry of IPv4, multicast, reserved space, and the one public address that answers cloud metadata. */
const SPECIAL_V4 = prefixes(
  numberOfV4,
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
   192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
   203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32`,
);
/** The only space IANA hands out for global unicast; loopback, local, multicast and IPv4-compatible addresses lie outside. */
const GLOBAL_V6 = prefixes(numberOfV6, '2000::/3');
/** Protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_V6 = prefixes(numberOfV6, '2001::/23 2001:db8::/32 2002::/16 3fff::/20');
/** IPv4-mapped addresses and the NAT64 prefix: the last 32 bits are the IPv4 address that is reached. */
const CARRIES_V4 = prefixes(numberOfV6, '::ffff:0:0/96 64:ff9b::/96');

const isPublicV4 = (value: bigint) => !within(value, 32, SPECIAL_V4);

/**
 * Is this IP address one on the public internet? Everything not known to be is refused: special-purpose ranges, addresses with a
 * zone, and text that is no address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return isPublicV4(numberOfV4(address));
  if (!isIPv6(address) || address.includes('%')) return false;
  const value = numberOfV6(address);
  if (within(value, 128, CARRIES_V4)) return isPublicV4(value & 0xffff_ffffn);
  return within(value, 128, GLOBAL_V6) && !within(value, 128, SPECIAL_V6);
}
