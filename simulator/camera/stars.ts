import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { projectPath } from '../../platform/paths.ts';
import { createRandom } from '../random.ts';

/** A star: J2000 degrees and magnitude. */
export interface Star {
  ra: number;
  dec: number;
  mag: number;
}
interface Catalogue {
  dec: Int32Array;
  ra: Int32Array;
  mag: Int16Array;
}
let catalogue: Catalogue | null = null;

/** simulator/data/stars.bin.gz: Hipparcos positions and magnitudes by way of d3-celestial (BSD-3, see NOTICE.txt there). */
function load(): Catalogue {
  if (catalogue) return catalogue;
  const bytes = gunzipSync(readFileSync(projectPath('simulator', 'data', 'stars.bin.gz')));
  const count = bytes.readUInt32LE(0);
  const buffer = bytes.buffer.slice(bytes.byteOffset + 4, bytes.byteOffset + bytes.length);
  catalogue = { dec: new Int32Array(buffer, 0, count), ra: new Int32Array(buffer, count * 4, count), mag: new Int16Array(buffer, count * 8, count) };
  return catalogue;
}

/** Catalogue stars within `radius` degrees of declination and the matching span of right ascension (a superset of the circle). */
export function catalogueStars(raDegrees: number, decDegrees: number, radius: number): Star[] {
  const { dec, ra, mag } = load();
  const low = Math.round((decDegrees - radius) * 1e4);
  const high = Math.round((decDegrees + radius) * 1e4);
  let first = 0;
  for (let end = dec.length; first < end;) {
    const middle = (first + end) >> 1;
    if (dec[middle]! < low) first = middle + 1;
    else end = middle;
  }
  const cosine = Math.cos((Math.min(89.5, Math.abs(decDegrees) + radius) * Math.PI) / 180);
  const span = Math.min(180, radius / cosine);
  const stars: Star[] = [];
  for (let i = first; i < dec.length && dec[i]! <= high; i++) {
    const away = Math.abs(((((ra[i]! / 1e4 - raDegrees + 180) % 360) + 360) % 360) - 180);
    if (away <= span) stars.push({ ra: ra[i]! / 1e4, dec: dec[i]! / 1e4, mag: mag[i]! / 100 });
  }
  return stars;
}

const CELL = 0.25;
/**
 * Fainter stars than the catalogue has, computed: the same patch of sky always has the same ones, whoever looks.
 * Numbers grow by 10^0.35 per magnitude from 9 to 17, about 1,300 a square degree in all.
 */
export function fieldStars(raDegrees: number, decDegrees: number, radius: number): Star[] {
  const stars: Star[] = [];
  const perCell = 1300 * CELL * CELL;
  for (let row = Math.floor((decDegrees - radius + 90) / CELL); row <= Math.floor((decDegrees + radius + 90) / CELL); row++) {
    const dec0 = row * CELL - 90;
    if (dec0 >= 90 || dec0 + CELL <= -90) continue;
    const cells = Math.max(1, Math.round((360 / CELL) * Math.cos(((dec0 + CELL / 2) * Math.PI) / 180)));
    const width = 360 / cells;
    const span = Math.min(180, radius / Math.max(0.01, Math.cos((Math.min(89.9, Math.abs(dec0) + CELL) * Math.PI) / 180)));
    const from = Math.floor((raDegrees - span) / width);
    const to = Math.min(from + cells - 1, Math.floor((raDegrees + span) / width));
    for (let column = from; column <= to; column++) {
      const cell = ((column % cells) + cells) % cells;
      const random = createRandom('field', row, cell);
      const count = Math.round(perCell + Math.sqrt(perCell) * random.gaussian());
      for (let i = 0; i < count; i++) {
        const share = random.next();
        stars.push({ ra: (cell + random.next()) * width, dec: Math.min(90, dec0 + random.next() * CELL), mag: Math.max(9, 17 + Math.log10(Math.max(share, 1e-6)) / 0.35) });
      }
    }
  }
  return stars;
}
