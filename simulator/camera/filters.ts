import type { FilterLight } from './shapes.ts';

interface Filter {
  /** Light of stars against no filter. */
  transmission: number;
  /** Sky in ADU per second and pixel, before the filter. */
  sky: number;
  light: FilterLight;
}
const broad = (transmission: number, sky: number, lines: Partial<FilterLight>): Filter => ({
  transmission,
  sky,
  light: { continuum: transmission, ha: 0, oiii: 0, sii: 0, ...lines },
});
/** Lines of glowing gas pass whole through the filters around them; the sensor sees the red ones less well. */
const CLEAR = broad(1, 3, { ha: 0.7, oiii: 1, sii: 0.6 });
const FILTERS: Record<string, Filter> = {
  L: CLEAR,
  R: broad(0.34, 3, { ha: 0.6, sii: 0.5 }),
  G: broad(0.34, 3, { oiii: 0.6 }),
  B: broad(0.3, 2.4, { oiii: 0.25, ha: 0.1 }),
  Ha: broad(0.035, 2, { ha: 0.5 }),
  OIII: broad(0.035, 2, { oiii: 0.8 }),
  SII: broad(0.03, 2, { sii: 0.45 }),
};

/** What a filter of that name lets through; an unknown one is clear. */
export const filterOf = (name: string): Filter => FILTERS[name] ?? CLEAR;
