import { COORDINATE_PROBLEMS, readDecDegrees, readRaHours } from '../../../domain/coordinates.ts';
import { isAdminsTab } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { instantsOf } from '../core/wall-time.ts';
import { say } from '../i18n/index.ts';
import { problemIn } from '../i18n/problems.ts';
import { part, type AskedPlan, type Brings } from './part.ts';

interface ShotRow {
  key: number;
  filter: string;
  exposure_seconds: number;
  quantity: number;
  binning: number;
  gain: string;
  offset: string;
  /** What is wrong in this line, and with which of its fields. */
  fault: string;
  bad: string[];
}
/** Field of the form ← field of `PUT /api/bookings/{id}`; what has no field of its own stands below the cost. */
const FIELDS: Record<string, string> = {
  target: 'name',
  'target.name': 'name',
  'target.ra_hours': 'ra',
  'target.dec_degrees': 'dec',
  telescope_id: 'telescope',
  start: 'start',
  end: 'hours',
  shots: 'shots',
  'constraints.min_altitude_degrees': 'minAltitude',
  'constraints.hour_angle_start_hours': 'haStart',
  'constraints.hour_angle_end_hours': 'haEnd',
  'constraints.priority': 'priority',
};
const SHOT_LABELS: Record<string, string> = {
  filter: 'filter',
  exposure_seconds: 'exposure',
  quantity: 'quantity',
  binning: 'binning',
  gain: 'gain',
  offset: 'offset',
};
const NO_FAULTS = {
  name: '',
  ra: '',
  dec: '',
  telescope: '',
  start: '',
  hours: '',
  shots: '',
  minAltitude: '',
  haStart: '',
  haEnd: '',
  priority: '',
};

/** What the guest fills in, what is wrong with it, and the booking that it makes. */
export const plan = part({
  state: () => ({
    isAdmin: isAdminsTab(),
    form: {
      name: '',
      ra: '',
      dec: '',
      telescope: '',
      start: '',
      zone: prefs.zone,
      hours: 2,
      shots: [
        {
          key: 1,
          filter: 'L',
          exposure_seconds: 120,
          quantity: 20,
          binning: 1,
          gain: '',
          offset: '',
          fault: '',
          bad: [],
        },
      ] as ShotRow[],
      minAltitude: 30,
      haStart: -3,
      haEnd: 3,
      priority: 2,
    },
    faults: { ...NO_FAULTS },
    reasons: [] as string[],
  }),
  methods: {
    addShot(): void {
      const last = this.form.shots.at(-1)!;
      this.form.shots.push({
        ...last,
        key: this.m.nextKey++,
        fault: '',
        bad: [],
        filter: this.filters[(this.filters.indexOf(last.filter) + 1) % this.filters.length] ?? last.filter,
      });
      this.changed();
    },
    removeShot(key: number): void {
      this.form.shots = this.form.shots.filter((shot) => shot.key !== key);
      this.changed();
    },

    request(): AskedPlan | null {
      const { form } = this;
      const ra = readRaHours(form.ra);
      const dec = readDecDegrees(form.dec);
      const [start, again] = instantsOf(form.start, this.zone());
      this.faults = {
        ...NO_FAULTS,
        name: form.name.trim() === '' && form.ra !== '' ? say('book.error.name') : '',
        ra: form.ra !== '' && typeof ra === 'string' ? COORDINATE_PROBLEMS[ra][prefs.locale] : '',
        dec: form.dec !== '' && typeof dec === 'string' ? COORDINATE_PROBLEMS[dec][prefs.locale] : '',
        start:
          start !== undefined ? '' : say(/T\d\d:\d\d/.test(form.start) ? 'book.error.skipped' : 'book.error.start'),
        hours: form.hours > 0 ? '' : say('book.error.hours'),
      };
      for (const shot of form.shots) [shot.fault, shot.bad] = ['', []];
      this.paintStart(start, again);
      if (
        typeof ra === 'string' ||
        typeof dec === 'string' ||
        form.name.trim() === '' ||
        start === undefined ||
        !form.telescope ||
        !(form.hours > 0)
      )
        return null;
      const perHour = this.perHour();
      return {
        telescope_id: form.telescope,
        start: new Date(start).toISOString(),
        end: new Date(start + form.hours * 3_600_000).toISOString(),
        user: { ref: this.m.setting('userRef') ?? 'web', locale: prefs.locale },
        target: { name: form.name.trim(), ra_hours: ra, dec_degrees: dec },
        shots: form.shots.map((shot) => ({
          filter: shot.filter,
          exposure_seconds: shot.exposure_seconds,
          quantity: shot.quantity,
          binning: shot.binning,
          gain: shot.gain === '' ? null : Number(shot.gain),
          offset: shot.offset === '' ? null : Number(shot.offset),
        })),
        constraints: {
          min_altitude_degrees: form.minAltitude,
          hour_angle_start_hours: form.haStart,
          hour_angle_end_hours: form.haEnd,
          ...(this.isAdmin ? { priority: form.priority } : {}),
        },
        ...(perHour === null ? {} : { credits_per_hour: perHour }),
      };
    },
    /** Credits for an hour of this telescope: the embedding page's tariff, else the telescope's own. */
    perHour(): number | null {
      const rate = this.m.setting('creditsPerHour') ?? this.m.choice(this.form.telescope)?.credits_per_hour;
      return rate === undefined || rate === null ? null : Number(rate);
    },
    /** Puts each problem beside its field; what is left belongs to the plan as a whole. */
    placeErrors(errors: Record<string, string[]>): void {
      const rest: string[] = [];
      for (const [field, texts] of Object.entries(errors)) {
        const text = texts.map((one) => problemIn(prefs.locale, one)).join(', ');
        const [, row, part] = /^shots\.(\d+)\.(\w+)$/.exec(field) ?? [];
        const shot = row === undefined ? undefined : this.form.shots[Number(row)];
        const own = FIELDS[field];
        if (shot && part) {
          shot.bad = [...shot.bad, part];
          shot.fault = [shot.fault, labelled(say(`book.${SHOT_LABELS[part] ?? 'shots'}`), text)]
            .filter(Boolean)
            .join(' · ');
        } else if (own && Object.hasOwn(this.faults, own)) this.faults = { ...this.faults, [own]: text };
        else rest.push(`${field}: ${text}`);
      }
      const named = Object.entries(this.faults).filter(([, text]) => text !== '');
      this.reasons = [
        ...named.map(([field, text]) => labelled(say(`book.field.${field}`), text)),
        ...this.form.shots.map((shot) => shot.fault).filter(Boolean),
        ...rest,
      ];
    },
  },
});

/** A label and what is said of it, with each language's own colon. */
const labelled = (label: string, text: string): string => `${label}${prefs.locale === 'fr' ? '\u00a0' : ''}: ${text}`;

declare module './part.ts' {
  interface BookingForm extends Brings<typeof plan> {}
}
