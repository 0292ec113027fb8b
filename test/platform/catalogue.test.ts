import { describe, expect, test } from '@jest/globals';
import { catalogue } from '../../platform/catalogue.ts';

const searchCatalogue = (query: string, limit?: number) => catalogue().search(query, limit);

describe('the offline catalogue', () => {
  test.each(['M31', 'm 31', 'Messier 31', 'NGC 224', 'ngc224', 'Andromeda Galaxy', "Galaxie d'Andromède"])(
    '%s is the Andromeda galaxy',
    (query) => {
      const [first] = searchCatalogue(query, 1);
      expect(first?.designation).toBe('M 31');
      expect(first?.ra_hours).toBeCloseTo(0.712, 2);
      expect(first?.dec_degrees).toBeCloseTo(41.27, 1);
    },
  );
  test('every Messier object is there', () => {
    const missing = Array.from({ length: 110 }, (_, i) => `M ${i + 1}`).filter(
      (name) => searchCatalogue(name, 1)[0]?.designation !== name,
    );
    expect(missing).toEqual([]);
  });
  test('stars by name, with RA in hours', () => {
    const [vega] = searchCatalogue('vega', 1);
    expect(vega?.designation).toBe('Vega');
    expect(vega?.ra_hours).toBeCloseTo(18.616, 2);
  });
  test('nebulae by their IC and Caldwell numbers', () => {
    expect(searchCatalogue('IC 434', 1)[0]?.designation).toBe('IC 434');
    expect(searchCatalogue('Caldwell 9', 1)[0]?.ra_hours).toBeCloseTo(22.95, 1);
  });
  test('nothing for an empty or unknown name, and never more than the limit', () => {
    expect(searchCatalogue('  ')).toEqual([]);
    expect(searchCatalogue('zzzzzz')).toEqual([]);
    expect(searchCatalogue('ngc', 5)).toHaveLength(5);
  });
});
