import { lookup } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Networks that no outside service has (IANA special-purpose address registries, RFC 6890 and later): this host, private, link-local,
 * carrier NAT, documentation, benchmarks, multicast, reserved.
 */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Besides what is outside 2000::/3, the only block given out so far: tunnels and translations hold an IPv4 address that may be private. */
const NOT_PUBLIC_V6 = [
  '::/3', // this host, IPv4 within IPv6 (::/96, ::ffff:0:0/96), translation (64:ff9b::/96, 64:ff9b:1::/48), discard
  '2001::/23', // Teredo (2001::/32), benchmarks, ORCHID
  '2001:db8::/32',
  '2002::/16', // 6to4
  '2620:4f:8000::/48',
  '3fff::/20',
  '4000::/2',
  '8000::/1', // fc00::/7, fe80::/10, fec0::/10, ff00::/8
];
/** One list a family: Node asks a list of both about an IPv4 address as it is mapped into IPv6, too. */
function listOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
const V4 = listOf(NOT_PUBLIC_V4, 'ipv4');
const V6 = listOf(NOT_PUBLIC_V6, 'ipv6');

/** An address that no outside service can have; what is no address at all counts as one. IPv4 mapped into IPv6 counts as IPv4. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/%.*$/s, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? mappedInHex(bare);
  const inner = mapped ?? bare;
  if (isIP(inner) === 0) return true;
  return isIP(inner) === 4 ? V4.check(inner, 'ipv4') : V6.check(inner, 'ipv6');
}
/** `::ffff:7f00:1` is 127.0.0.1, as a URL's parser writes it. */
function mappedInHex(address: string): string | null {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (!match) return null;
  const [high, low] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
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
