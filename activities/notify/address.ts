import { lookup } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6');

/** An address that no outside service can have: loopback, private, link-local, carrier NAT, multicast (RFC 6890). IPv4 inside IPv6 counts as IPv4. */
export function isPrivateAddress(address: string): boolean {
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(inner) === 4 ? PRIVATE.check(inner, 'ipv4') : PRIVATE.check(inner, 'ipv6');
}

/** The addresses of a host, to be dialled as they are, so that a second look-up cannot answer otherwise. @throws Error for a private one. */
export async function publicAddresses(
  hostname: string,
  allowPrivate: boolean,
): Promise<{ address: string; family: number }[]> {
  const bare = hostname.replace(/^\[|\]$/g, '');
  const found = isIP(bare) ? [{ address: bare, family: isIP(bare) }] : await lookup(bare, { all: true });
  const bad = allowPrivate ? undefined : found.find((a) => isPrivateAddress(a.address));
  if (bad)
    throw new Error(`${hostname} is a private address (${bad.address}); set WEBHOOK_ALLOW_PRIVATE=true to allow it`);
  return found;
}

/** A look-up that answers these addresses, for a request that must reach none but them. */
export const pinnedTo =
  (addresses: { address: string; family: number }[]): LookupFunction =>
  (_host, options, callback) => {
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
