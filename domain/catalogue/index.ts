import { OBJECTS } from './objects.ts';

/** One object a guest may choose; position J2000. `type` is d3-celestial's short code (gg galaxy, oc open cluster, gc globular, pn planetary nebula, star …). */
export interface CatalogueEntry {
  designation: string;
  names: string[];
  name_fr: string | null;
  type: string;
  ra_hours: number;
  dec_degrees: number;
  magnitude: number | null;
  size_arcmin: number | null;
}
interface Indexed {
  entry: CatalogueEntry;
  keys: string[];
}

/** Lower case without accents, spaces and punctuation, "messier 31" as "m31": so that m31, M 31 and Messier 31 meet. */
export function catalogueKey(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/^\s*messier\s*(?=\d)/, 'm')
    .replace(/^\s*caldwell\s*(?=\d)/, 'c')
    .replace(/^\s*sharpless\s*(?:2-?)?\s*(?=\d)/, 'sh2')
    .replace(/[^\p{L}\p{N}]/gu, '');
}

const numberOrNull = (text: string | undefined): number | null => (text ? Number(text) : null);
let index: Indexed[] | null = null;
function indexed(): Indexed[] {
  index ??= OBJECTS.split('\n').map((line) => {
    const [designation = '', aliases = '', nameFr = '', type = '', ra = '0', dec = '0', magnitude, size] =
      line.split('|');
    const names = aliases ? aliases.split(';') : [];
    return {
      entry: {
        designation,
        names,
        name_fr: nameFr || null,
        type,
        ra_hours: Number(ra),
        dec_degrees: Number(dec),
        magnitude: numberOrNull(magnitude),
        size_arcmin: numberOrNull(size),
      },
      keys: [designation, ...names, nameFr].filter(Boolean).map(catalogueKey),
    };
  });
  return index;
}

/** 0 equal, 1 begins with, 2 contains; null when no key matches. */
function rank(keys: readonly string[], wanted: string): number | null {
  let best: number | null = null;
  for (const key of keys) {
    const found =
      key === wanted ? 0 : key.startsWith(wanted) ? 1 : wanted.length >= 3 && key.includes(wanted) ? 2 : null;
    if (found !== null && (best === null || found < best)) best = found;
  }
  return best;
}

/**
 * Objects whose designation or name matches, best first: equal, beginning with, containing; brighter ones first within each.
 * @param query such as "M31", "ngc 7000", "Véga", "nébuleuse du crabe"
 * @param limit at most this many
 */
export function searchCatalogue(query: string, limit = 12): CatalogueEntry[] {
  const wanted = catalogueKey(query);
  if (!wanted) return [];
  const found: { entry: CatalogueEntry; rank: number }[] = [];
  for (const { entry, keys } of indexed()) {
    const r = rank(keys, wanted);
    if (r !== null) found.push({ entry, rank: r });
  }
  found.sort(
    (a, b) =>
      a.rank - b.rank ||
      (a.entry.magnitude ?? 99) - (b.entry.magnitude ?? 99) ||
      a.entry.designation.localeCompare(b.entry.designation, 'en', { numeric: true }),
  );
  return found.slice(0, limit).map(({ entry }) => entry);
}
