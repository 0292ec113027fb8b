import { readFileSync, writeFileSync } from 'node:fs';
import { projectPath } from '../platform/paths.ts';

/**
 * Makes domain/catalogue/objects.txt out of the data files of d3-celestial (BSD-3-Clause, see domain/catalogue/LICENSES.md):
 * Messier, Caldwell, NGC, IC, Sharpless, Barnard and other named objects, and the stars that bear a name.
 * Run it again after d3-celestial moves: `tsx scripts/catalogue.ts`.
 */
interface Feature {
  id: string | number;
  properties: Record<string, string | number | undefined>;
  geometry: { coordinates: [number, number] };
}
const data = (name: string): unknown =>
  JSON.parse(readFileSync(projectPath('node_modules/d3-celestial/data', `${name}.json`), 'utf8'));
const features = (name: string): Feature[] => (data(name) as { features: Feature[] }).features;

interface Row {
  designation: string;
  aliases: Set<string>;
  nameFr: string;
  type: string;
  ra: number;
  dec: number;
  magnitude: string;
  size: string;
}

const hours = (degrees: number): number => (((degrees / 15) % 24) + 24) % 24;
const magnitudeText = (value: string | number | undefined): string => {
  const magnitude = Number(value);
  return value === undefined || value === '' || !Number.isFinite(magnitude) || magnitude > 90
    ? ''
    : String(Math.round(magnitude * 10) / 10);
};
/** Arc minutes of the long side out of "6x4", "110x110" or "13". */
const sizeText = (value: string | number | undefined): string => {
  const size = Number.parseFloat(String(value ?? ''));
  return Number.isFinite(size) && size > 0 ? String(Math.round(size * 10) / 10) : '';
};
const separationDegrees = (a: Row, b: Row): number =>
  Math.hypot((a.ra - b.ra) * 15 * Math.cos((a.dec * Math.PI) / 180), a.dec - b.dec);

const rows = new Map<string, Row>();
const messierOf = new Map<string, string>();
const messier = features('messier');
for (const { properties } of messier) {
  const other = String(properties.desig ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  if (other) messierOf.set(other, `M ${String(properties.name).slice(1)}`);
}
const spaced = (designation: string): string =>
  designation
    .replace(/^([A-Za-z]+)\s*(\d)/, '$1 $2')
    .replace(/\s+/g, ' ')
    .trim();

function add(row: Row): void {
  const known = rows.get(row.designation);
  if (!known) {
    rows.set(row.designation, row);
    return;
  }
  for (const alias of row.aliases) known.aliases.add(alias);
  known.magnitude ||= row.magnitude;
  known.size ||= row.size;
  known.nameFr ||= row.nameFr;
}

const names = data('dsonames') as Record<string, { name?: string; fr?: string }>;
const isWanted = (designation: string): boolean =>
  /^(M|NGC|IC|C|Sh2|B|LBN|vdB|Cr|Mel|Tr|Abell) ?\d/.test(designation) || Object.hasOwn(names, designation);
for (const { id, properties, geometry } of features('dsos.20')) {
  const own = spaced(String(properties.desig));
  const other = spaced(String(id));
  if (!isWanted(own) && !isWanted(other)) continue;
  const designation = messierOf.get(own) ?? own;
  const named = names[String(id)] ?? names[own] ?? names[String(properties.desig)];
  const aliases = new Set<string>();
  for (const alias of [own, other]) if (alias !== designation) aliases.add(alias);
  if (named?.name) aliases.add(named.name);
  add({
    designation,
    aliases,
    nameFr: named?.fr ?? '',
    type: String(properties.type ?? ''),
    ra: hours(geometry.coordinates[0]),
    dec: geometry.coordinates[1],
    magnitude: magnitudeText(properties.mag),
    size: sizeText(properties.dim),
  });
}
for (const { properties, geometry } of messier) {
  const designation = `M ${String(properties.name).slice(1)}`;
  const other = String(properties.desig ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  const named = names[other] ?? names[designation];
  const row: Row = {
    designation,
    aliases: new Set([other, String(properties.alt ?? ''), named?.name ?? ''].filter(Boolean)),
    nameFr: named?.fr ?? '',
    type: String(properties.type ?? ''),
    ra: hours(geometry.coordinates[0]),
    dec: geometry.coordinates[1],
    magnitude: magnitudeText(properties.mag),
    size: sizeText(properties.dim),
  };
  const known = rows.get(designation);
  // The deep-sky file has NGC 5866 (M 102) more than half a degree off, with a magnitude of another galaxy: the Messier file is right.
  if (known && separationDegrees(known, row) > 0.5) rows.delete(designation);
  add(row);
}

const starNames = data('starnames') as Record<
  string,
  { name: string; bayer: string; flam: string; hd: string; hip: string; c: string }
>;
for (const { id, properties, geometry } of features('stars.6')) {
  const star = starNames[String(id)];
  if (!star?.name) continue;
  const sign = star.bayer || star.flam;
  const letter = sign ? `${sign} ${star.c}` : '';
  add({
    designation: star.name,
    aliases: new Set([letter, star.hip, star.hd].map((text) => text.replace(/\s+/g, ' ').trim()).filter(Boolean)),
    nameFr: '',
    type: 'star',
    ra: hours(geometry.coordinates[0]),
    dec: geometry.coordinates[1],
    magnitude: magnitudeText(properties.mag),
    size: '',
  });
}

const clean = (text: string): string =>
  text
    .replace(/[|;\n`\\$\u200e\u200f]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const lines = [...rows.values()].map((row) =>
  [
    clean(row.designation),
    [...row.aliases].map(clean).join(';'),
    clean(row.nameFr),
    row.type,
    row.ra.toFixed(5),
    row.dec.toFixed(4),
    row.magnitude,
    row.size,
  ].join('|'),
);
writeFileSync(projectPath('domain/catalogue/objects.txt'), `${lines.join('\n')}\n`);
console.log(`${lines.length} objects`);
