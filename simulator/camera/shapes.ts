import { fractal, ridges } from './noise.ts';
import type { SkyObject } from './objects.ts';

const RAD = Math.PI / 180;

/** How much of each kind of light a filter lets through: 1 is all that a clear filter sees. */
export interface FilterLight {
  continuum: number;
  ha: number;
  oiii: number;
  sii: number;
}

/** From 0 to 1 between two values, with a soft start and end. */
export const smooth = (from: number, to: number, value: number): number => {
  const t = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

/**
 * Brightness of an object of unit flux per square arc minute at (u, v), arc minutes along and across its long side, by kind of light.
 * Dark clouds give their optical depth as continuum.
 */
type Shape = (u: number, v: number, light: FilterLight) => void;
/** How far beyond the catalogue's radius an object is drawn. */
export const REACH: Record<SkyObject['look'], number> = {
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
export const SHAPES: Record<SkyObject['look'], (o: SkyObject) => Shape | null> = {
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
