import { describe, expect, test } from '@jest/globals';
import { readNumber, readQuantity, whyNoNumber } from './index.ts';

describe('numbers', () => {
  test.each<[unknown, number]>([
    [12.5, 12.5],
    ['12.5', 12.5],
    ['-10,5', -10.5],
    ['1.234,5', 1234.5],
    ['1,234.5', 1234.5],
    ['1.234.567', 1_234_567],
    ['1,234,567', 1_234_567],
    ['1,234,567.25', 1_234_567.25],
    ['1 234,5', 1234.5],
    ['1\u00a0234\u00a0567', 1_234_567],
    ['1\u202f234,5', 1234.5],
    ["1'234.5", 1234.5],
    ['1,234', 1.234],
    ['1.234', 1.234],
    ['.5', 0.5],
    [',5', 0.5],
    ['5.', 5],
    ['+7', 7],
    ['\u221210,5', -10.5],
    ['\u201310.5', -10.5],
    ['- 3', -3],
    ['1e3', 1000],
    ['1,5E+03', 1500],
    ['1.2D-2', 0.012],
    [" '120,0 ' ", 120],
    ['"45.2"', 45.2],
  ])('%j is %d', (text, value) => {
    expect(readNumber(text)).toBeCloseTo(value, 9);
    expect(whyNoNumber(text)).toBeNull();
  });
  test.each([
    'nan',
    'NaN',
    '-nan',
    '+NAN',
    '-nan(ind)',
    '1.#QNAN',
    '-1.#IND',
    '1.#QNAN0',
    '1,#IND00',
    '1.#J',
    'n. def.',
  ])('%s is not a number, in its writer’s own word', (text) => {
    expect(readNumber(text)).toBeNull();
    expect(whyNoNumber(text)).toBe('nan');
  });
  test.each(['Infinity', '+Infinity', '-inf', '1.#INF', '-1.#INF00', '1.$', '∞', '-∞', '+Infini', '1e999'])(
    '%s is infinite',
    (text) => {
      expect(readNumber(text)).toBeNull();
      expect(whyNoNumber(text)).toBe('infinity');
    },
  );
  test.each([
    '',
    ' ',
    '-',
    '.',
    '0x10',
    '1_000',
    '12a',
    '1.2.3',
    '1,23,456',
    '12,3456,789',
    '1.234,5,6',
    '1 23',
    '--1',
    '1e',
    'e5',
    '5 h',
    'nanometre',
    '1'.repeat(65),
    true,
    null,
    undefined,
    {},
    [1],
  ])('%j is unreadable', (text) => {
    expect(readNumber(text)).toBeNull();
    expect(whyNoNumber(text)).toBe('unreadable');
  });
  test('a unit behind the number is allowed where it is named', () => {
    expect(readQuantity('-10,5 °C', 'C', '°C')).toBe(-10.5);
    expect(readQuantity('-10.5C', 'C', '°C')).toBe(-10.5);
    expect(readQuantity("'120 s'", 's', 'sec')).toBe(120);
    expect(readQuantity('120 SEC', 's', 'sec')).toBe(120);
    expect(readQuantity(120, 's')).toBe(120);
    expect(readQuantity('120 min', 's', 'sec')).toBeNull();
  });
});
