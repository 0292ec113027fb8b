import { dayAndTime, zoneName } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';
import { instantsOf, wallTime } from '../core/wall-time.ts';
import { say } from '../i18n/index.ts';
import { part, type Brings } from './part.ts';

/** The slot's start on the clock of the observatory or of the guest. */
export const slot = part({
  state: () => ({
    startText: '',
    zones: [] as { id: string; text: string }[],
  }),
  methods: {
    /** The zone in which times are typed and shown; undefined is the guest's own. Where the observatory's is not known, UTC stands for it. */
    zone(): string | undefined {
      return this.form.zone === 'local' ? undefined : this.siteZone();
    },
    siteZone(): string {
      return this.m.choices.find((t) => t.id === this.form.telescope)?.site?.timezone ?? 'UTC';
    },
    /** The same instant on another clock: when the zone, the telescope or the language changes. */
    showStart(): void {
      this.form.start = wallTime(this.m.startMs, this.zone());
      this.zones = [
        { id: 'site', text: `${say('book.zone.site')} (${zoneName(this.m.startMs, prefs.locale, this.siteZone())})` },
        { id: 'local', text: `${say('book.zone.local')} (${zoneName(this.m.startMs, prefs.locale)})` },
      ];
    },
    zoneChanged(): void {
      prefs.zone = this.form.zone === 'local' ? 'local' : 'site';
      this.showStart();
      this.paintCurve();
      this.changed();
    },
    startChanged(): void {
      this.m.startMs = instantsOf(this.form.start, this.zone())[0] ?? this.m.startMs;
      this.changed();
    },

    /** The start on the other clocks, and which of the two it is in the repeated hour of autumn. */
    paintStart(start: number | undefined, again: number | undefined): void {
      const others: [string, string | undefined][] = [
        ['UTC', 'UTC'],
        ...(this.siteZone() === 'UTC' ? [] : ([[say('book.zone.site'), this.siteZone()]] as [string, string][])),
        [say('book.zone.local'), undefined],
      ];
      this.startText =
        start === undefined
          ? ''
          : [
              again === undefined ? '' : say('book.twice', { zone: zoneName(start, prefs.locale, this.zone()) }),
              ...others
                .filter(([, zone]) => zone !== this.zone())
                .map(([label, zone]) => `${label} ${dayAndTime(start, prefs.locale, zone)}`),
            ]
              .filter(Boolean)
              .join(' · ');
    },
  },
});

declare module './part.ts' {
  interface BookingForm extends Brings<typeof slot> {}
}
