import { expect, test } from '@jest/globals';
import { decodeText } from './index.ts';

const bytes = (...values: (number | string)[]): Uint8Array =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : Buffer.of(value))));

test('UTF-8 is read as UTF-8', () => {
  expect(decodeText(bytes('Hα 250 µm, Zoé, 47° 20′'))).toBe('Hα 250 µm, Zoé, 47° 20′');
  expect(decodeText(bytes(''))).toBe('');
});
test('anything else is windows-1252, not Latin-1', () => {
  expect(decodeText(bytes('N', 0xe9, 'buleuse de l', 0x92, 0x9c, 'il ', 0x96, ' Ha'))).toBe('Nébuleuse de l’œil – Ha');
  expect(decodeText(bytes(0x93, 'Spa', 0xdf, 0x94, ' 5 ', 0x80, 0x85))).toBe('“Spaß” 5 €…');
  expect(decodeText(bytes(0x84, 'Spa', 0xdf, 0x93))).toBe('„Spaß“');
  expect(decodeText(bytes('-16', 0xb0))).toBe('-16°');
});
test('every byte gives one character, so nothing is lost', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(decodeText(all)).toHaveLength(256);
  expect(new Set(decodeText(all)).size).toBe(256);
});
test('a last character cut in two does not spoil the others', () => {
  expect(decodeText(bytes('Zoé et Andr', 0xc3))).toBe('Zoé et Andr');
  expect(decodeText(bytes('H α ', 0xe2, 0x80))).toBe('H α ');
  expect(decodeText(bytes('Andr', 0xc3))).toBe('AndrÃ');
});
