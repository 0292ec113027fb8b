import { describe, expect, test } from '@jest/globals';
import { isPrivateAddress, publicAddresses } from '../../activities/notify/address.ts';

describe('where a webhook or a push may not go', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.0.2.7',
    '198.51.100.1',
    '203.0.113.9',
    '192.88.99.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    '64:ff9b:1::a00:1',
    '100::1',
    '2001::1',
    '2001:0:a00:1::',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
  ])('%s', (address) => expect(isPrivateAddress(address)).toBe(true));
  test.each([
    '1.1.1.1',
    '93.184.216.34',
    '198.17.255.255',
    '::ffff:1.1.1.1',
    '2606:4700::1111',
    '2a00:1450::1',
    '2001:4860::8888',
  ])('%s is public', (address) => expect(isPrivateAddress(address)).toBe(false));
  test('an address in a URL is refused by name', async () => {
    await expect(publicAddresses('[2002:7f00:1::]', false)).rejects.toThrow('private address');
    await expect(publicAddresses('[2002:7f00:1::]', true)).resolves.toEqual([{ address: '2002:7f00:1::', family: 6 }]);
  });
});
