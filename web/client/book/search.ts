import type { CatalogueEntry } from '../../../domain/catalogue/index.ts';
import { formatDec, formatRa } from '../../../domain/coordinates.ts';
import { number } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';
import { part, type Brings } from './part.ts';

/** The catalogue: a name that is typed, what it may mean, and the one that is chosen. */
export const search = part({
  state: () => ({
    query: '',
    hits: [] as { id: string; index: number; designation: string; name: string; note: string }[],
    activeId: '',
  }),
  methods: {
    searchChanged(): void {
      clearTimeout(this.m.typing);
      this.m.typing = setTimeout(() => void this.search(), 150);
    },
    async search(): Promise<void> {
      const text = this.query.trim();
      if (text === '') {
        this.hits = [];
        return;
      }
      const { data } = await this.m.http
        .get<{ data: CatalogueEntry[] }>(`/api/catalogue?limit=8&query=${encodeURIComponent(text)}`)
        .catch(() => ({ data: [] }));
      if (text !== this.query.trim()) return;
      this.m.catalogue = data;
      this.hits = data.map((entry, index) => ({
        id: `hit-${index}`,
        index,
        designation: entry.designation,
        name:
          (prefs.locale === 'fr' ? entry.name_fr : null) ??
          entry.names.find((n) => !/^(NGC|IC|HIP|HD)\b/.test(n)) ??
          entry.names[0] ??
          '',
        note: [
          entry.magnitude === null ? '' : `mag ${number(entry.magnitude, prefs.locale, 1)}`,
          entry.size_arcmin === null ? '' : `${number(entry.size_arcmin, prefs.locale)}′`,
        ]
          .filter(Boolean)
          .join(' · '),
      }));
      this.activeId = this.hits[0]?.id ?? '';
    },
    searchKey(event: KeyboardEvent): void {
      const at = this.hits.findIndex((h) => h.id === this.activeId);
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        const next = (at + (event.key === 'ArrowDown' ? 1 : -1) + this.hits.length) % Math.max(1, this.hits.length);
        this.activeId = this.hits[next]?.id ?? '';
      } else if (event.key === 'Enter' && at >= 0) {
        event.preventDefault();
        this.choose(at);
      } else if (event.key === 'Escape') this.hits = [];
    },
    choose(index: number): void {
      const entry = this.m.catalogue[index];
      if (!entry) return;
      this.form.name = entry.designation;
      this.form.ra = formatRa(entry.ra_hours);
      this.form.dec = formatDec(entry.dec_degrees);
      this.query = entry.designation;
      this.hits = [];
      this.changed();
    },
  },
});

declare module './part.ts' {
  interface BookingForm extends Brings<typeof search> {}
}
