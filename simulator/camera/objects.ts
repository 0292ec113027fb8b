import { catalogue } from '../../platform/catalogue.ts';
import { createRandom } from '../random.ts';

/** What an object looks like; `none` for what has no light of its own that stars do not bring (open clusters, single stars). */
export type Look =
  | 'spiral'
  | 'elliptical'
  | 'irregular'
  | 'emission'
  | 'reflection'
  | 'remnant'
  | 'planetary'
  | 'globular'
  | 'open'
  | 'dark';

/** An object of the catalogue with the form that the camera gives it. Angles in degrees, sizes in arc minutes. */
export interface SkyObject {
  designation: string;
  look: Look;
  ra: number;
  dec: number;
  /** Integrated magnitude. */
  mag: number;
  /** Half of the long side. */
  radius: number;
  /** Short side against long side. */
  axisRatio: number;
  /** Position angle of the long side, from north over east. */
  angle: number;
  /** Where its noise and its arms begin: the same number gives the same form. */
  seed: number;
}

const LOOKS: Record<string, Look> = {
  s: 'spiral',
  s0: 'elliptical',
  e: 'elliptical',
  g: 'spiral',
  gg: 'elliptical',
  i: 'irregular',
  sd: 'elliptical',
  bn: 'emission',
  en: 'emission',
  sfr: 'emission',
  rn: 'reflection',
  snr: 'remnant',
  pn: 'planetary',
  gc: 'globular',
  oc: 'open',
  dn: 'dark',
};
/** Forms that the catalogue does not tell: axis ratio and position angle (RC3, rounded), and looks where its type misleads. */
const KNOWN: Record<string, Partial<Pick<SkyObject, 'look' | 'axisRatio' | 'angle' | 'mag' | 'radius'>>> = {
  'M 31': { axisRatio: 0.3, angle: 37 },
  'M 32': { axisRatio: 0.75, angle: 170 },
  'M 110': { axisRatio: 0.5, angle: 170 },
  'M 33': { axisRatio: 0.6, angle: 23 },
  'M 51': { axisRatio: 0.82, angle: 163 },
  'NGC 5195': { look: 'elliptical', axisRatio: 0.8, angle: 79 },
  'M 63': { axisRatio: 0.57, angle: 105 },
  'M 64': { look: 'spiral', axisRatio: 0.54, angle: 115 },
  'M 81': { look: 'spiral', axisRatio: 0.52, angle: 157 },
  'M 82': { axisRatio: 0.38, angle: 65 },
  'M 101': { axisRatio: 0.95, angle: 30 },
  'M 104': { axisRatio: 0.41, angle: 90 },
  'M 106': { axisRatio: 0.39, angle: 150 },
  'NGC 253': { axisRatio: 0.25, angle: 52 },
  'NGC 891': { axisRatio: 0.19, angle: 22 },
  'NGC 2903': { axisRatio: 0.48, angle: 17 },
  'NGC 4565': { axisRatio: 0.13, angle: 136, mag: 9.6, radius: 7.9 },
  'NGC 5907': { axisRatio: 0.14, angle: 155 },
  'M 42': { mag: 3, radius: 38, axisRatio: 0.8, angle: 60 },
  'M 45': { look: 'reflection', mag: 5.5, radius: 45 },
  'M 57': { radius: 0.75, axisRatio: 0.78, angle: 60 },
  'M 97': { axisRatio: 0.97 },
  'NGC 1499': { mag: 5, axisRatio: 0.27, angle: 140 },
  'NGC 2392': { radius: 0.4, axisRatio: 0.95 },
  'NGC 6960': { mag: 6.5, radius: 35, axisRatio: 0.3, angle: 170 },
  'NGC 6992': { mag: 6, radius: 38, axisRatio: 0.35, angle: 150 },
  'NGC 7000': { mag: 3.6, axisRatio: 0.85, angle: 10 },
  'NGC 7023': { look: 'reflection' },
};
/** Brightness of gas of which the catalogue has no magnitude, and the bounds of what it may have, in magnitudes per square arc second. */
const FAINT_GAS = 23.3;
const GAS_BOUNDS = [20.8, 24.2] as const;
const GAS: readonly Look[] = ['emission', 'reflection', 'remnant'];
/** Radius of objects of which the catalogue has no size. */
const SMALL = 0.6;

/** Magnitudes per square arc second of an object whose light were even over its ellipse. */
const surfaceBrightness = (mag: number, radius: number, axisRatio: number): number =>
  mag + 2.5 * Math.log10(Math.PI * (radius * 60) ** 2 * axisRatio);

let objects: SkyObject[] | null = null;
/** The project's offline catalogue with a form for each object; read once. */
function load(): SkyObject[] {
  objects ??= catalogue().entries.flatMap((entry) => {
    const { designation, type, magnitude, size_arcmin: size } = entry;
    const known = KNOWN[designation] ?? {};
    const look = known.look ?? LOOKS[type];
    if (!look) return [];
    const radius = known.radius ?? (size === null ? SMALL : size / 2);
    const random = createRandom('object', designation);
    const axisRatio =
      known.axisRatio ??
      (look === 'globular' || look === 'planetary' ? random.between(0.85, 1) : random.between(0.35, 0.95));
    let mag = known.mag ?? magnitude ?? 14.5;
    if (GAS.includes(look)) {
      const spread = surfaceBrightness(0, radius, axisRatio);
      const even = known.mag !== undefined || magnitude !== null ? mag + spread : FAINT_GAS;
      mag = Math.max(GAS_BOUNDS[0], Math.min(GAS_BOUNDS[1], even)) - spread;
    }
    const angle = known.angle ?? random.between(0, 180);
    return [
      {
        designation,
        look,
        ra: entry.ra_hours * 15,
        dec: entry.dec_degrees,
        mag,
        radius,
        axisRatio,
        angle,
        seed: Math.floor(random.between(0, 250)),
      },
    ];
  });
  return objects;
}

/** Objects that reach into the circle (degrees), widest first. */
export function objectsNear(raDegrees: number, decDegrees: number, radiusDegrees: number): SkyObject[] {
  const cosDec = Math.cos((decDegrees * Math.PI) / 180);
  return load()
    .filter(({ ra, dec, radius }) => {
      const away = Math.abs(((((ra - raDegrees + 180) % 360) + 360) % 360) - 180) * cosDec;
      return Math.hypot(away, dec - decDegrees) <= radiusDegrees + radius / 60;
    })
    .sort((a, b) => b.radius - a.radius);
}
