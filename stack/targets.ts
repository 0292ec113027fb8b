import { altAz, hourAngleHours, type Site } from '../domain/sky.ts';

/** Well-known objects spread over the northern sky, so that one of them is always high; J2000. */
const SHOWPIECES = [
  { name: 'M 31', ra_hours: 0.7123, dec_degrees: 41.269 },
  { name: 'NGC 869', ra_hours: 2.3167, dec_degrees: 57.133 },
  { name: 'NGC 1499', ra_hours: 4.0533, dec_degrees: 36.367 },
  { name: 'M 1', ra_hours: 5.5755, dec_degrees: 22.0145 },
  { name: 'M 37', ra_hours: 5.8733, dec_degrees: 32.545 },
  { name: 'NGC 2392', ra_hours: 7.4863, dec_degrees: 20.912 },
  { name: 'NGC 2903', ra_hours: 9.5361, dec_degrees: 21.501 },
  { name: 'M 81', ra_hours: 9.9259, dec_degrees: 69.065 },
  { name: 'M 97', ra_hours: 11.2466, dec_degrees: 55.019 },
  { name: 'M 106', ra_hours: 12.316, dec_degrees: 47.304 },
  { name: 'M 51', ra_hours: 13.498, dec_degrees: 47.195 },
  { name: 'M 101', ra_hours: 14.0535, dec_degrees: 54.349 },
  { name: 'NGC 5907', ra_hours: 15.265, dec_degrees: 56.329 },
  { name: 'M 13', ra_hours: 16.695, dec_degrees: 36.46 },
  { name: 'M 92', ra_hours: 17.2854, dec_degrees: 43.136 },
  { name: 'M 57', ra_hours: 18.893, dec_degrees: 33.029 },
  { name: 'M 27', ra_hours: 19.9934, dec_degrees: 22.721 },
  { name: 'NGC 7000', ra_hours: 20.98, dec_degrees: 44.53 },
  { name: 'NGC 7023', ra_hours: 21.0267, dec_degrees: 68.163 },
  { name: 'M 39', ra_hours: 21.53, dec_degrees: 48.433 },
  { name: 'NGC 7635', ra_hours: 23.345, dec_degrees: 61.2 },
] as const;

/** The showpiece that stands highest through a span and stays within ±2.9 h of the meridian. */
export function highTarget(
  site: Site,
  startMs: number,
  endMs: number,
): { name: string; ra_hours: number; dec_degrees: number } {
  const lowest = (t: (typeof SHOWPIECES)[number]): number =>
    Math.min(
      ...[startMs, (startMs + endMs) / 2, endMs].map((at) =>
        Math.abs(hourAngleHours(site, t.ra_hours, t.dec_degrees, at)) > 2.9
          ? -90
          : altAz(site, t.ra_hours, t.dec_degrees, at).altitudeDegrees,
      ),
    );
  const best = [...SHOWPIECES].sort((a, b) => lowest(b) - lowest(a))[0]!;
  return { ...best };
}
