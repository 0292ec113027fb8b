import { fractal, ridges } from './noise.ts';
import { objectsNear, type SkyObject } from './objects.ts';
import { type FilterLight, REACH, SHAPES, smooth } from './shapes.ts';

export interface FieldRequest {
  raDegrees: number;
  decDegrees: number;
  width: number;
  height: number;
  arcsecPerPixel: number;
  exposureSeconds: number;
  light: FilterLight;
}
/** Light of everything that is not a star, in a clear sky, on a coarse grid over the frame and some margin; north up, east left. */
export interface Field {
  /** Columns and rows of the grid. */
  columns: number;
  rows: number;
  /** Pixels between two points of the grid. */
  step: number;
  /** ADU per second and pixel. */
  values: Float32Array;
  /** Where the frame's centre lies, in pixels from the grid's centre to the right and down. */
  dx: number;
  dy: number;
}

/** ADU per second of magnitude 0 through a clear filter. */
export const ZERO_POINT = 4e8;
/**
 * Exposures shorter than this are drawn with their faint diffuse light as bright as one of this length would show it, up to so many times, so that the
 * demo's frames of seconds look like frames of minutes. Light that is bright by itself (over so many magnitudes per square arc second through a clear
 * filter) keeps its brightness, as stars always do.
 */
const TRUE_FROM_SECONDS = 90;
const MOST_SPED_UP = 14;
const BRIGHT = 20.8;
/** Of that for the Milky Way, whose mottles else would drown the rest. */
const MILKY_WAY_SHARE = 0.18;
/** Points of a grid that an object may cover, which bounds the time of its first frame, and bytes that a grid may have. */
const POINTS = 400_000;
const GRID_BYTES = 16e6;
const COARSEST = 8;
/** Frames whose centres lie in the same cell of the sky share a grid. */
const CELL_DEGREES = 0.04;
const KEPT_BYTES = 24e6;
const RAD = Math.PI / 180;

const spedUp = (exposureSeconds: number): number =>
  Math.max(1, Math.min(MOST_SPED_UP, TRUE_FROM_SECONDS / exposureSeconds));

const kept = new Map<string, Field & { bytes: number }>();

/**
 * The field of a frame: a pure function of the request, kept for the next frames of the same target and filter.
 * At most 24 MB of grids are kept besides the one in use.
 */
export function fieldOf(r: FieldRequest): Field {
  const decCell = Math.max(-90, Math.min(90, Math.round(r.decDegrees / CELL_DEGREES) * CELL_DEGREES));
  const raStep = CELL_DEGREES / Math.max(0.02, Math.cos(decCell * RAD));
  const raCell = Math.round(r.raDegrees / raStep) * raStep;
  const { continuum, ha, oiii, sii } = r.light;
  const key = [
    raCell,
    decCell,
    r.width,
    r.height,
    r.arcsecPerPixel,
    spedUp(r.exposureSeconds),
    continuum,
    ha,
    oiii,
    sii,
  ].join('/');
  let grid = kept.get(key);
  if (grid) kept.delete(key);
  else grid = { ...draw({ ...r, raDegrees: raCell, decDegrees: decCell }), dx: 0, dy: 0, bytes: 0 };
  grid.bytes = grid.values.byteLength;
  kept.set(key, grid);
  let bytes = 0;
  for (const [name, { bytes: size }] of [...kept].toReversed())
    if ((bytes += size) > KEPT_BYTES && name !== key) kept.delete(name);
  const { xi, eta } = tangent(r.raDegrees, r.decDegrees, raCell, decCell);
  const scale = r.arcsecPerPixel / 3600;
  return { ...grid, dx: -xi / scale, dy: -eta / scale };
}

/** Degrees east and north of the pointing in its tangent plane (Calabretta and Greisen 2002, §5.1.3). */
function tangent(ra: number, dec: number, raDegrees: number, decDegrees: number): { xi: number; eta: number } {
  const d = (ra - raDegrees) * RAD;
  const [s, c] = [Math.sin(dec * RAD), Math.cos(dec * RAD)];
  const [s0, c0] = [Math.sin(decDegrees * RAD), Math.cos(decDegrees * RAD)];
  const cosine = Math.max(1e-3, s0 * s + c0 * c * Math.cos(d));
  return { xi: (c * Math.sin(d)) / cosine / RAD, eta: (c0 * s - s0 * c * Math.cos(d)) / cosine / RAD };
}

function draw(r: FieldRequest): Omit<Field, 'dx' | 'dy'> {
  const scale = r.arcsecPerPixel / 60;
  const margin = Math.ceil((CELL_DEGREES * 60) / scale / 2) + 8;
  const fullWidth = r.width + 2 * margin;
  const fullHeight = r.height + 2 * margin;
  const radius = (Math.hypot(fullWidth, fullHeight) / 2) * (scale / 60);
  const objects = objectsNear(r.raDegrees, r.decDegrees, radius).map((object) => {
    const { xi, eta } = tangent(object.ra, object.dec, r.raDegrees, r.decDegrees);
    return { object, x: -xi * 60, y: -eta * 60, shape: SHAPES[object.look](object) };
  });
  const reach = (o: SkyObject): number => o.radius * REACH[o.look];
  const covered = objects.reduce(
    (sum, { object }) =>
      sum + Math.min(fullWidth, (2 * reach(object)) / scale) * Math.min(fullHeight, (2 * reach(object)) / scale),
    0,
  );
  const step = Math.min(
    COARSEST,
    Math.max(
      2,
      Math.ceil(Math.sqrt(covered / POINTS)),
      Math.ceil(Math.sqrt((fullWidth * fullHeight * 4) / GRID_BYTES)),
    ),
  );
  const columns = Math.ceil(fullWidth / step) + 2;
  const rows = Math.ceil(fullHeight / step) + 2;
  const values = milkyWay(r, columns, rows, step);

  const pixel = r.arcsecPerPixel ** 2;
  const bright = ZERO_POINT * 10 ** (-0.4 * BRIGHT) * pixel;
  const lift = spedUp(r.exposureSeconds);
  const light = { continuum: 0, ha: 0, oiii: 0, sii: 0 };
  for (const { object, x, y, shape } of objects) {
    if (!shape) continue;
    const size = reach(object);
    const column = (minutes: number): number => Math.round(minutes / scale / step + columns / 2);
    const row = (minutes: number): number => Math.round(minutes / scale / step + rows / 2);
    const unit = (ZERO_POINT * 10 ** (-0.4 * object.mag) * pixel) / 3600;
    const [sin, cos] = [Math.sin(object.angle * RAD), Math.cos(object.angle * RAD)];
    for (let j = Math.max(0, row(y - size)); j < Math.min(rows, row(y + size)); j++) {
      const north = y - (j - rows / 2) * step * scale;
      for (
        let i = Math.max(0, column(x - size)), at = j * columns + i;
        i < Math.min(columns, column(x + size));
        i++, at++
      ) {
        const east = x - (i - columns / 2) * step * scale;
        light.continuum = light.ha = light.oiii = light.sii = 0;
        shape(east * sin + north * cos, east * cos - north * sin, light);
        if (object.look === 'dark') values[at]! *= Math.exp(-light.continuum);
        else {
          const all = unit * (light.continuum + light.ha + light.oiii + light.sii);
          const through =
            unit *
            (r.light.continuum * light.continuum +
              r.light.ha * light.ha +
              r.light.oiii * light.oiii +
              r.light.sii * light.sii);
          values[at]! += through * (1 + (lift - 1) / (1 + all / bright));
        }
      }
    }
  }
  return { columns, rows, step, values };
}

/** Unresolved stars along the galactic plane, with rifts of dust: a slope over the frame, mottled near the plane. */
function milkyWay(r: FieldRequest, columns: number, rows: number, step: number): Float32Array {
  const values = new Float32Array(columns * rows);
  const node = 32;
  const scale = r.arcsecPerPixel / 3600;
  const across = Math.ceil(columns / node) + 1;
  const down = Math.ceil(rows / node) + 1;
  const nodes = new Float32Array(across * down);
  const cosDec = Math.max(0.02, Math.cos(r.decDegrees * RAD));
  const unit =
    ZERO_POINT * r.arcsecPerPixel ** 2 * Math.max(1, MILKY_WAY_SHARE * spedUp(r.exposureSeconds)) * r.light.continuum;
  for (let j = 0; j < down; j++) {
    for (let i = 0; i < across; i++) {
      const ra = r.raDegrees - ((i * node - columns / 2) * step * scale) / cosDec;
      const dec = Math.max(-90, Math.min(90, r.decDegrees - (j * node - rows / 2) * step * scale));
      nodes[j * across + i] = unit * milkyWayBrightness(ra, dec);
    }
  }
  for (let j = 0, at = 0; j < rows; j++) {
    const y = (j / node) | 0;
    const fy = j / node - y;
    for (let i = 0; i < columns; i++, at++) {
      const x = (i / node) | 0;
      const fx = i / node - x;
      const first = y * across + x;
      const upper = nodes[first]! + (nodes[first + 1]! - nodes[first]!) * fx;
      const lower = nodes[first + across]! + (nodes[first + across + 1]! - nodes[first + across]!) * fx;
      values[at] = upper + (lower - upper) * fy;
    }
  }
  return values;
}

/** Galactic longitude and latitude in degrees of a J2000 position (pole 192.859°, +27.128°; node 122.932°). */
export function galactic(raDegrees: number, decDegrees: number): { l: number; b: number } {
  const a = (raDegrees - 192.85948) * RAD;
  const d = decDegrees * RAD;
  const pole = 27.12825 * RAD;
  const b = Math.asin(
    Math.max(-1, Math.min(1, Math.sin(d) * Math.sin(pole) + Math.cos(d) * Math.cos(pole) * Math.cos(a))),
  );
  const l =
    122.93192 -
    Math.atan2(Math.cos(d) * Math.sin(a), Math.sin(d) * Math.cos(pole) - Math.cos(d) * Math.sin(pole) * Math.cos(a)) /
      RAD;
  return { l: ((l % 360) + 360) % 360, b: b / RAD };
}
/** Share of magnitude 0 per square arc second: 21 in the plane towards the centre, 22 away from it, falling off over ten degrees. */
function milkyWayBrightness(ra: number, dec: number): number {
  const { l, b } = galactic(ra, dec);
  const centre = (1 + Math.cos(l * RAD)) / 2;
  const plane = Math.exp(-Math.abs(b) / 9);
  const clouds = 0.35 + 1.3 * fractal(l * 1.7 + 50, b * 1.7 + 50, 5);
  const rift = 1 - 0.7 * plane * smooth(0.5, 0.8, ridges(l * 0.6 + 9, b * 1.1 + 70, 4));
  return 10 ** (-0.4 * (22.2 - 1.2 * centre)) * plane * clouds * rift;
}
