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
/** A line of objects.txt: designation|aliases|French name|type|RA hours J2000|Dec degrees J2000|magnitude|arc minutes. */
function readLine(line: string): CatalogueEntry {
  const [designation = '', aliases = '', nameFr = '', type = '', ra = '0', dec = '0', magnitude, size] =
    line.split('|');
  return {
    designation,
    names: aliases ? aliases.split(';') : [],
    name_fr: nameFr || null,
    type,
    ra_hours: Number(ra),
    dec_degrees: Number(dec),
    magnitude: numberOrNull(magnitude),
    size_arcmin: numberOrNull(size),
  };
}

/** How well a key matches: 0 equal, 1 begins with, 2 contains; null when it does not. */
function rankOf(key: string, wanted: string): number | null {
  if (key === wanted) return 0;
  if (key.startsWith(wanted)) return 1;
  return wanted.length >= 3 && key.includes(wanted) ? 2 : null;
}
/** The best rank of all keys. */
function rank(keys: readonly string[], wanted: string): number | null {
  const ranks = keys.map((key) => rankOf(key, wanted)).filter((one) => one !== null);
  return ranks.length === 0 ? null : Math.min(...ranks);
}

/** The offline catalogue, made from the text of objects.txt. */
export class Catalogue {
  readonly entries: readonly CatalogueEntry[];
  private indexed: Indexed[] | null = null;

  constructor(text: string) {
    this.entries = text.trimEnd().split('\n').map(readLine);
  }

  /**
   * Objects whose designation or name matches, best first: equal, beginning with, containing; brighter ones first within each.
   * @param query such as "M31", "ngc 7000", "Véga", "nébuleuse du crabe"
   * @param limit at most this many
   */
  search(query: string, limit = 12): CatalogueEntry[] {
    const wanted = catalogueKey(query);
    if (!wanted) return [];
    const found: { entry: CatalogueEntry; rank: number }[] = [];
    for (const { entry, keys } of this.index()) {
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

  private index(): Indexed[] {
    this.indexed ??= this.entries.map((entry) => ({
      entry,
      keys: [entry.designation, ...entry.names, entry.name_fr ?? ''].filter(Boolean).map(catalogueKey),
    }));
    return this.indexed;
  }
}
