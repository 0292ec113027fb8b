import { fractal, ridges } from './noise.ts';
import { objectsNear, type SkyObject } from './objects.ts';

/** How much of each kind of light a filter lets through: 1 is all that a clear filter sees. */
export interface FilterLight {
  continuum: number;
  ha: number;
  oiii: number;
  sii: number;
}
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

const smooth = (from: number, to: number, value: number): number => {
  const t = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

/**
 * Brightness of an object of unit flux per square arc minute at (u, v), arc minutes along and across its long side, by kind of light.
 * Dark clouds give their optical depth as continuum.
 */
type Shape = (u: number, v: number, light: FilterLight) => void;
/** How far beyond the catalogue's radius an object is drawn. */
const REACH: Record<SkyObject['look'], number> = {
  spiral: 1.7,
  elliptical: 2.2,
  irregular: 1.6,
  emission: 1.35,
  reflection: 1.5,
  remnant: 1.2,
  planetary: 2.2,
  globular: 1.2,
  open: 0,
  dark: 1.3,
};
const SHAPES: Record<SkyObject['look'], (o: SkyObject) => Shape | null> = {
  spiral,
  elliptical,
  irregular,
  emission,
  reflection,
  remnant,
  planetary,
  globular,
  open: () => null,
  dark,
};

/** Exponential disk (D25 is about three scale lengths, Freeman 1970) with two logarithmic arms, dust on their inner edges and knots of hydrogen; a bulge. */
function spiral({ radius, axisRatio: q, seed, designation }: SkyObject): Shape {
  const h = radius / 2.8;
  const bulge = radius * 0.055;
  const disk = 0.78 / (2 * Math.PI * q * h * h);
  const core = 0.22 / (2 * Math.PI * Math.max(q, 0.55) * bulge * bulge);
  const pitch = Math.tan((designation === 'M 31' ? 8 : 13 + (seed % 7)) * RAD);
  const strength = designation === 'M 31' ? 0.36 : 1;
  const hand = seed % 2 ? 1 : -1;
  const fineness = 5 / radius;
  return (u, v, light) => {
    const y = v / q;
    const r = Math.hypot(u, y);
    if (r > radius * 1.7) return;
    const round = Math.hypot(u, v / Math.max(q, 0.55));
    light.continuum = core / (1 + (round / bulge) ** 2) ** 1.5;
    const mottle = fractal(u * fineness + seed, y * fineness + seed, 5);
    const phase =
      2 * (Math.atan2(y, u) * hand + Math.log(r / h + 0.05) / pitch) +
      2.4 * (fractal(u * fineness * 0.5 + seed, y * fineness * 0.5, 2) - 0.5) +
      seed;
    const arm = ((1 + Math.cos(phase)) / 2) ** (designation === 'M 31' ? 1.2 : 2.2);
    const dust =
      ((1 + Math.cos(phase + 1.1)) / 2) ** 5 *
      smooth(0.25, 0.75, ridges(u * fineness * 1.2 + 40, y * fineness * 1.2 + seed, 4));
    const shown = smooth(0.25 * h, 0.9 * h, r) * strength;
    const edge = 1 - smooth(radius * 1.2, radius * 1.7, r);
    const even = disk * Math.exp(-r / h) * edge;
    const patches = 0.3 + 1.4 * mottle;
    light.continuum +=
      even * (1 - shown + shown * (0.42 + 1.75 * arm * patches)) * (1 - 0.7 * dust * smooth(0.1 * h, 0.4 * h, r));
    if (q < 0.3 && designation !== 'M 31')
      light.continuum *=
        1 -
        0.8 *
          Math.exp(-(((v / (radius * q)) * 5) ** 2)) *
          smooth(0.3, 0.5, mottle + 0.15) *
          smooth(radius, radius * 0.4, r);
    light.ha =
      even * 1.6 * arm * shown * smooth(0.55, 0.85, fractal(u * fineness * 4 + 90, y * fineness * 4 + seed, 3));
  };
}

/** A steep centre and a wide envelope, as de Vaucouleurs' law has it. */
function elliptical({ radius, axisRatio: q }: SkyObject): Shape {
  const core = radius * 0.09;
  const unit = 0.38 / (Math.PI * q * core * core);
  return (u, v, light) => {
    const r = Math.hypot(u, v / q);
    light.continuum = (unit / (1 + (r / core) ** 2) ** 1.15) * (1 - smooth(radius * 1.4, radius * 2.2, r));
  };
}

function irregular({ radius, axisRatio: q, seed }: SkyObject): Shape {
  const h = radius / 2.8;
  const unit = 1 / (2 * Math.PI * q * h * h);
  return (u, v, light) => {
    const r = Math.hypot(u, v / q);
    const lumps = fractal((u * 4) / radius + seed, (v * 4) / radius + seed, 5);
    const lanes = 1 - 0.8 * smooth(0.5, 0.75, ridges((u * 2.5) / radius + seed, (v * 2.5) / radius, 4));
    const even = unit * Math.exp(-r / h) * (1 - smooth(radius * 1.1, radius * 1.6, r));
    light.continuum = even * (0.3 + 1.6 * lumps ** 1.5) * lanes;
    light.ha = even * 1.5 * smooth(0.6, 0.75, lumps);
  };
}

/** Glowing gas: turbulent clouds, bright fronts, dark lanes before them, brighter towards the stars that light it; oxygen inside, sulphur along the fronts. */
function emission({ radius, axisRatio: q, seed, designation }: SkyObject): Shape {
  const orion = designation === 'M 42';
  const peak = orion ? 11 : 0.5 + (seed % 10) / 10;
  const core = radius * (orion ? 0.13 : 0.35);
  const unit = (orion ? 1.1 : 1.6) / (Math.PI * radius * radius * q);
  const octaves = radius > 30 ? 6 : 5;
  return (u, v, light) => {
    const x = u / radius;
    const y = v / radius;
    const wx = fractal(x * 1.3 + seed, y * 1.3 + 7, 3) - 0.5;
    const wy = fractal(x * 1.3 + 57, y * 1.3 + seed, 3) - 0.5;
    const r = Math.hypot(x, y / q) + 1.3 * wx;
    const body = 1 - smooth(0.45, 1.05, r);
    if (body <= 0) return;
    const cloud = fractal(x * 2.6 + 1.9 * wx + seed, y * 2.6 + 1.9 * wy, octaves);
    const front = ridges(x * 2.9 + 1.6 * wy + 30, y * 2.9 + 1.6 * wx + seed, octaves - 1);
    const lane =
      smooth(0.6, 0.84, ridges(x * 1.1 + 0.9 * wx + seed, y * 1.1 + 0.9 * wy + 80, 4)) *
      smooth(0.36, 0.56, fractal(x * 1.7 + 20, y * 1.7 + seed, 3));
    const bay = smooth(0.5, 0.62, fractal(x * 1.5 + 1.2 * wy + 140, y * 1.5 + 1.2 * wx + seed, 4));
    const near = peak / (1 + ((u * u + (v * v) / (q * q)) / (core * core)) ** 1.25);
    const gas = unit * body * (1 - 0.9 * lane) * (1 - (orion ? 0.45 : 0.72) * bay);
    const rim = 4 * bay * (1 - bay);
    const texture = 0.1 + 3.4 * cloud ** 3 + 3.4 * front ** 4 * cloud + 0.9 * rim * cloud;
    const bright = gas * texture * (0.75 + near);
    light.ha = 0.68 * bright;
    light.oiii = gas * (0.12 + 0.3 * near) * (0.5 + cloud);
    light.sii = 0.1 * gas * (0.3 + 3 * front ** 2) * (0.7 + 0.4 * near);
    light.continuum = 0.08 * bright;
  };
}

/** Dust that scatters the light of stars within: smooth wisps, brightest in the middle. */
function reflection({ radius, axisRatio: q, seed }: SkyObject): Shape {
  const core = radius * 0.3;
  const unit = 1.2 / (Math.PI * q * radius * radius);
  return (u, v, light) => {
    const x = u / radius;
    const y = v / radius;
    const w = fractal(x * 1.5 + seed, y * 1.5 + 3, 3) - 0.5;
    const r = Math.hypot(x, y / q) + 0.9 * w;
    const body = 1 - smooth(0.3, 1.1, r);
    if (body <= 0) return;
    const wisps = fractal(x * 3 + w + seed, y * 1.8 - w + seed, 6);
    light.continuum = unit * body * (0.3 + 2 * wisps ** 2) * (0.4 + 2.5 / (1 + (u * u + v * v) / (core * core)));
  };
}

/** A shell of thin filaments around a faint glow. */
function remnant({ radius, axisRatio: q, seed }: SkyObject): Shape {
  const unit = 2.2 / (Math.PI * q * radius * radius);
  return (u, v, light) => {
    const x = u / radius;
    const y = v / radius;
    const w = fractal(x * 1.8 + seed, y * 1.8 + 5, 4) - 0.5;
    const r = Math.hypot(x, y / q) + 0.5 * w;
    const body = 1 - smooth(0.75, 1.05, r);
    if (body <= 0) return;
    const thread = ridges(x * 2.6 + 1.5 * w + seed, y * 2.6 + w + 60, 6) ** 4;
    const web = ridges(x * 4.4 + w + 10, y * 4.4 + seed, 5) ** 5;
    const glow = fractal(x * 2 + seed, y * 2, 4);
    light.ha = unit * body * (0.12 * glow + 1.6 * thread + 1.2 * web);
    light.oiii =
      unit * body * (0.1 * glow + 1.1 * ridges(x * 2.6 + 1.5 * w + seed + 0.06, y * 2.6 + w + 60.05, 6) ** 4);
    light.sii = 0.3 * light.ha;
    light.continuum = 0.25 * unit * body * glow;
  };
}

/** A bright shell, brighter across than along, fainter inside, with a halo of a shell thrown off before. */
function planetary({ radius, axisRatio: q, seed }: SkyObject): Shape {
  const unit = 1.35 / (Math.PI * q * radius * radius);
  return (u, v, light) => {
    const x = u / radius;
    const y = v / radius;
    const r = Math.hypot(x, y / q);
    if (r > 2.2) return;
    const mottle = fractal(x * 3 + seed, y * 3 + seed, 5);
    const uneven = 1 + 0.28 * Math.cos(2 * Math.atan2(y, x)) + 0.5 * (mottle - 0.5);
    const rim = r + 0.16 * (mottle - 0.5);
    const shell = Math.exp(-(((rim - 0.72) / 0.2) ** 2)) * (2 - uneven);
    const inside = 0.42 * (1 - smooth(0.5, 0.85, rim));
    const halo = 0.035 * (1 - smooth(1, 2.1, r)) * (0.5 + mottle);
    light.ha = unit * (0.55 * shell + 0.12 * inside + halo);
    light.oiii = unit * (0.5 * shell + 0.8 * inside + 0.4 * halo);
    light.sii = unit * 0.06 * shell;
  };
}

/** Glow of the stars that are too faint to be seen singly (Plummer's law); the others come as stars. */
function globular({ radius, axisRatio: q }: SkyObject): Shape {
  const core = radius * PLUMMER;
  const unit = (0.25 * UNRESOLVED) / (Math.PI * q * core * core);
  return (u, v, light) => {
    light.continuum = unit / (1 + (u * u + (v * v) / (q * q)) / (core * core)) ** 2;
  };
}
/** Core radius of a globular cluster against its catalogue radius, and the share of its light that single faint stars do not bring. */
export const PLUMMER = 0.15;
export const UNRESOLVED = 0.4;

function dark({ radius, axisRatio: q, seed }: SkyObject): Shape {
  return (u, v, light) => {
    const x = u / radius;
    const y = v / radius;
    const w = fractal(x * 1.6 + seed, y * 1.6, 4) - 0.5;
    light.continuum =
      1.7 * (1 - smooth(0.35, 1.15, Math.hypot(x, y / q) + 1.1 * w)) * (0.5 + fractal(x * 3 + seed, y * 3, 4));
  };
}
