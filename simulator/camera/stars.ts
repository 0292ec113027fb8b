import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { projectPath } from '../../platform/paths.ts';
import { createRandom } from '../random.ts';
import { galactic } from './deepsky.ts';
import { PLUMMER, UNRESOLVED } from './shapes.ts';
import { objectsNear, type SkyObject } from './objects.ts';

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
  catalogue = {
    dec: new Int32Array(buffer, 0, count),
    ra: new Int32Array(buffer, count * 4, count),
    mag: new Int16Array(buffer, count * 8, count),
  };
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
const FAINTEST = 18.6;
/** Logarithm of the growth of star numbers per magnitude. */
const GROWTH = 0.35;
/** Stars to the faintest magnitude in a square degree: 3,000 at the galactic poles, 22,000 in the plane. */
const density = (ra: number, dec: number): number => 3_000 + 19_000 * Math.exp(-Math.abs(galactic(ra, dec).b) / 14);

/** Fainter stars than the catalogue has, computed: the same patch of sky always has the same ones, whoever looks. */
export function fieldStars(raDegrees: number, decDegrees: number, radius: number): Star[] {
  const stars: Star[] = [];
  for (
    let row = Math.floor((decDegrees - radius + 90) / CELL);
    row <= Math.floor((decDegrees + radius + 90) / CELL);
    row++
  ) {
    const dec0 = row * CELL - 90;
    if (dec0 >= 90 || dec0 + CELL <= -90) continue;
    const cells = Math.max(1, Math.round((360 / CELL) * Math.cos(((dec0 + CELL / 2) * Math.PI) / 180)));
    const width = 360 / cells;
    const span = Math.min(
      180,
      radius / Math.max(0.01, Math.cos((Math.min(89.9, Math.abs(dec0) + CELL) * Math.PI) / 180)),
    );
    const from = Math.floor((raDegrees - span) / width);
    const to = Math.min(from + cells - 1, Math.floor((raDegrees + span) / width));
    for (let column = from; column <= to; column++) {
      const cell = ((column % cells) + cells) % cells;
      const random = createRandom('field', row, cell);
      const perCell =
        density((cell + 0.5) * width, dec0 + CELL / 2) * CELL * width * Math.cos(((dec0 + CELL / 2) * Math.PI) / 180);
      const count = Math.round(perCell + Math.sqrt(perCell) * random.gaussian());
      for (let i = 0; i < count; i++) {
        const share = random.next();
        stars.push({
          ra: (cell + random.next()) * width,
          dec: Math.min(90, dec0 + random.next() * CELL),
          mag: Math.max(9, FAINTEST + Math.log10(Math.max(share, 1e-6)) / GROWTH),
        });
      }
    }
  }
  return stars;
}

/** Stars of the clusters that reach into the circle: those that the catalogue has not, by number and brightness as the cluster's own light asks for. */
export function clusterStars(raDegrees: number, decDegrees: number, radius: number): Star[] {
  return objectsNear(raDegrees, decDegrees, radius).flatMap((object) => {
    if (object.look === 'globular') return globularStars(object);
    return object.look === 'open' ? openStars(object) : [];
  });
}

/** Magnitudes that grow in number by 10^slope each, from `brightest` on over `span` magnitudes. */
const drawnMagnitude = (share: number, brightest: number, span: number, slope: number): number =>
  brightest + Math.log10(1 + share * (10 ** (slope * span) - 1)) / slope;
const place = (object: SkyObject, radiusArcmin: number, angle: number): { ra: number; dec: number } => {
  const dec = Math.max(-89.9, Math.min(89.9, object.dec + (radiusArcmin / 60) * Math.cos(angle)));
  return { ra: object.ra + ((radiusArcmin / 60) * Math.sin(angle)) / Math.cos((dec * Math.PI) / 180), dec };
};
/** Brightest giants of a globular cluster against its whole light, the span of magnitudes below them, and how their number grows. */
const GIANTS = 6.2;
const GIANT_SPAN = 6.5;
const GIANT_GROWTH = 0.45;
const MOST_STARS = 20_000;

function globularStars(object: SkyObject): Star[] {
  const a = GIANT_GROWTH;
  const meanFlux = (10 ** ((a - 0.4) * GIANT_SPAN) - 1) / (a - 0.4) / ((10 ** (a * GIANT_SPAN) - 1) / a);
  const count = Math.min(MOST_STARS, Math.round(((1 - UNRESOLVED) * 10 ** (0.4 * GIANTS)) / meanFlux));
  const core = object.radius * PLUMMER;
  const random = createRandom('globular', object.designation);
  const stars: Star[] = [];
  for (let i = 0; i < count; i++) {
    const share = random.next();
    const radius = core * Math.sqrt(share / (1 - share));
    const at = place(object, radius, random.between(0, 2 * Math.PI));
    const mag = drawnMagnitude(random.next(), object.mag + GIANTS, GIANT_SPAN, a);
    if (radius < object.radius * 1.3) stars.push({ ...at, mag });
  }
  return stars;
}

function openStars(object: SkyObject): Star[] {
  const random = createRandom('open', object.designation);
  const count = Math.round(random.between(60, 220));
  const stars: Star[] = [];
  for (let i = 0; i < count; i++) {
    const at = place(
      object,
      object.radius * Math.min(1, 0.42 * Math.hypot(random.gaussian(), random.gaussian())),
      random.between(0, 2 * Math.PI),
    );
    stars.push({ ...at, mag: Math.max(9.2, drawnMagnitude(random.next(), object.mag + 2.2, 7, 0.25)) });
  }
  return stars;
}
