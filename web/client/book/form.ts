import type { BookingCheck, Visibility } from '../../../clients/typescript/nocturne.ts';
import type { BookingRequestInput } from '../../../domain/contracts/booking.ts';
import { COORDINATE_PROBLEMS, formatDec, formatRa, readDecDegrees, readRaHours } from '../../../domain/coordinates.ts';
import type { CatalogueEntry } from '../../../domain/catalogue/index.ts';
import type uPlot from 'uplot';
import { anyToken, ApiProblem, Http, isAdminsTab, takeToken } from '../core/http.ts';
import { defineComponent } from '../core/alpine.ts';
import { Graph } from '../core/charts.ts';
import { clock, dayAndTime, duration, number, percent, UNKNOWN, zoneName } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';
import { instantsOf, wallTime } from '../core/wall-time.ts';
import { translate } from '../i18n/index.ts';
import { problemIn } from '../i18n/problems.ts';
import { translateTree } from '../i18n/tree.ts';
import { handOver } from './hand-over.ts';

interface TelescopeChoice {
  id: string;
  name: string;
  filters: string[] | Record<string, number>;
  site?: { timezone?: string };
  credits_per_hour?: number | null;
}
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

/** How the form is set up in a page of others; on our own page the tab knows. */
export interface BookingFormOptions {
  /** A user's token: it may ask whether a plan is possible, and book nothing. */
  token?: string;
  baseUrl?: string;
  locale?: 'fr' | 'en';
  /** What fills an empty element. */
  template?: string;
}

export function bookingForm(options: BookingFormOptions = {}): object {
  const http = new Http(options.token ?? takeToken('user') ?? anyToken(), options.baseUrl);
  let catalogue: CatalogueEntry[] = [];
  let typing: ReturnType<typeof setTimeout> | undefined;
  let checking: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  let graph: Graph | null = null;
  let visibility: Visibility | null = null;
  let choices: TelescopeChoice[] = [];
  let nextKey = 2;
  /** The page that embeds the form sets `data-credits-per-hour`, `data-credit-price-minor`, `data-currency` and `data-user-ref` on it. */
  let root: HTMLElement;
  let curve: HTMLElement;
  const setting = (name: string): string | undefined => root.dataset[name] || undefined;
  const say = (key: string, values?: Record<string, string | number>): string => translate(prefs.locale, key, values);
  /** The start of the slot; the form shows it as a clock at the observatory does, or the guest's own. */
  let startMs = Math.ceil((Date.now() + 3_600_000) / 1_800_000) * 1_800_000;

  return defineComponent({
    problem: '',
    isAdmin: isAdminsTab(),
    query: '',
    hits: [] as { id: string; index: number; designation: string; name: string; note: string }[],
    activeId: '',
    telescopes: [] as { id: string; name: string }[],
    filters: ['L', 'R', 'G', 'B', 'Ha', 'OIII', 'SII'],
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
    labels: {},
    sky: { altitude: '', moon: '', usable: '' },
    startText: '',
    zones: [] as { id: string; text: string }[],
    cost: UNKNOWN,
    price: '',
    planText: '',
    verdict: { tone: 'unknown', text: '…' },
    reasons: [] as string[],
    possible: false,
    busy: false,
    done: '',

    init(): void {
      root = this.$root;
      if (options.locale && options.locale !== prefs.locale) prefs.locale = options.locale;
      if (options.template && root.childElementCount === 0) {
        root.classList.add('telescope-control', 'booking-form');
        root.innerHTML = options.template;
        translateTree(root, prefs.locale);
        // What was just put in gets its references in the next turn.
        this.$nextTick(() => this.begin());
      } else this.begin();
    },
    begin(): void {
      curve = this.$refs.curve!;
      this.paintLabels();
      this.showStart();
      document.addEventListener('nocturne:prefs', () => {
        this.paintLabels();
        this.showStart();
        graph = null;
        curve.replaceChildren();
        this.paintCurve();
        void this.check();
      });
      if (!http.token) this.problem = say('ui.noToken');
      void this.loadTelescopes();
      this.changed();
    },
    paintLabels(): void {
      this.labels = {
        filter: say('book.filter'),
        exposure: say('book.exposure'),
        quantity: say('book.quantity'),
        binning: say('book.binning'),
        gain: say('book.gain'),
        offset: say('book.offset'),
        remove: say('book.remove', { n: '' }).trim(),
      };
    },
    async loadTelescopes(): Promise<void> {
      try {
        const { data } = await http.get<{ data: TelescopeChoice[] }>('/api/telescopes');
        choices = data;
        this.telescopes = data.map(({ id, name }) => ({ id, name }));
        this.form.telescope ||= data[0]?.id ?? '';
        this.telescopeChanged();
      } catch (thrown) {
        if (http.token)
          this.problem = thrown instanceof ApiProblem && thrown.status < 500 ? say('ui.denied') : say('ui.error');
      }
    },
    telescopeChanged(): void {
      const filters = choices.find((t) => t.id === this.form.telescope)?.filters;
      if (filters) this.filters = Array.isArray(filters) ? filters : Object.keys(filters);
      this.showStart();
      this.changed();
    },

    /** The zone in which times are typed and shown; undefined is the guest's own. Where the observatory's is not known, UTC stands for it. */
    zone(): string | undefined {
      return this.form.zone === 'local' ? undefined : this.siteZone();
    },
    siteZone(): string {
      return choices.find((t) => t.id === this.form.telescope)?.site?.timezone ?? 'UTC';
    },
    /** The same instant on another clock: when the zone, the telescope or the language changes. */
    showStart(): void {
      this.form.start = wallTime(startMs, this.zone());
      this.zones = [
        { id: 'site', text: `${say('book.zone.site')} (${zoneName(startMs, prefs.locale, this.siteZone())})` },
        { id: 'local', text: `${say('book.zone.local')} (${zoneName(startMs, prefs.locale)})` },
      ];
    },
    zoneChanged(): void {
      prefs.zone = this.form.zone === 'local' ? 'local' : 'site';
      this.showStart();
      this.paintCurve();
      this.changed();
    },
    startChanged(): void {
      startMs = instantsOf(this.form.start, this.zone())[0] ?? startMs;
      this.changed();
    },

    searchChanged(): void {
      clearTimeout(typing);
      typing = setTimeout(() => void this.search(), 150);
    },
    async search(): Promise<void> {
      const text = this.query.trim();
      if (text === '') {
        this.hits = [];
        return;
      }
      const { data } = await http
        .get<{ data: CatalogueEntry[] }>(`/api/catalogue?limit=8&query=${encodeURIComponent(text)}`)
        .catch(() => ({ data: [] }));
      if (text !== this.query.trim()) return;
      catalogue = data;
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
      const entry = catalogue[index];
      if (!entry) return;
      this.form.name = entry.designation;
      this.form.ra = formatRa(entry.ra_hours);
      this.form.dec = formatDec(entry.dec_degrees);
      this.query = entry.designation;
      this.hits = [];
      this.changed();
    },
    addShot(): void {
      const last = this.form.shots.at(-1)!;
      this.form.shots.push({
        ...last,
        key: nextKey++,
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

    changed(): void {
      this.done = '';
      clearTimeout(checking);
      checking = setTimeout(() => void this.check(), 350);
    },
    request(): (BookingRequestInput & { credits_per_hour?: number }) | null {
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
        user: { ref: setting('userRef') ?? 'web', locale: prefs.locale },
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
      const rate = setting('creditsPerHour') ?? choices.find((t) => t.id === this.form.telescope)?.credits_per_hour;
      return rate === undefined || rate === null ? null : Number(rate);
    },
    /** The start on the clocks that it was not typed in, and which of two it is in the hour that autumn repeats. */
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
    async check(): Promise<void> {
      const mine = ++asked;
      const request = this.request();
      this.possible = false;
      if (!request || !http.token) {
        this.reasons = [];
        this.verdict = { tone: 'unknown', text: say('book.incomplete') };
        return;
      }
      this.reasons = [];
      void this.loadCurve(request, mine);
      try {
        const check = await http.post<BookingCheck>('/api/bookings/check', request);
        if (mine === asked) this.judge(check);
      } catch (thrown) {
        if (mine !== asked) return;
        this.verdict = { tone: 'unsafe', text: say('book.problems') };
        if (thrown instanceof ApiProblem && Object.keys(thrown.errors).length > 0) this.placeErrors(thrown.errors);
        else this.reasons = [thrown instanceof ApiProblem ? thrown.message : say('link.offline')];
      }
    },
    judge(check: BookingCheck): void {
      const l = prefs.locale;
      this.possible = check.ok;
      this.cost =
        check.credits === null
          ? UNKNOWN
          : say('book.credits', { n: number(check.credits, l, check.credits % 1 ? 2 : 0) });
      const [minor, currency] = [Number(setting('creditPriceMinor')), setting('currency')];
      this.price =
        check.credits === null
          ? say('book.noTariff')
          : minor > 0 && currency
            ? new Intl.NumberFormat(l, { style: 'currency', currency }).format((check.credits * minor) / 100)
            : this.perHour() === null
              ? ''
              : say('book.rate', { n: number(this.perHour(), l, this.perHour()! % 1 ? 2 : 0) });
      this.planText = say('book.plan', { frames: check.frames, time: duration(check.estimated_seconds) });
      this.sky = {
        ...this.sky,
        altitude: say('book.altitudeNow', { alt: number(check.altitude_at_start_degrees, l, 1) }),
        usable: say('book.usable', { time: duration(check.usable_seconds) }),
      };
      this.placeErrors(check.errors);
      this.reasons = [
        ...this.reasons,
        ...(check.conflict
          ? [
              say('book.conflict', {
                from: clock(check.conflict.start, l, this.zone(), false),
                to: clock(check.conflict.end, l, this.zone(), false),
              }),
            ]
          : []),
        ...(check.ok && !check.fits ? [say('book.tooLong')] : []),
      ];
      this.verdict = check.ok
        ? { tone: check.fits ? 'ok' : 'hold', text: say('book.ok') }
        : { tone: 'unsafe', text: say('book.problems') };
    },
    async loadCurve(request: BookingRequestInput, mine: number): Promise<void> {
      const middle = (Date.parse(request.start) + Date.parse(request.end)) / 2;
      const query = new URLSearchParams({
        ra_hours: String(request.target.ra_hours),
        dec_degrees: String(request.target.dec_degrees),
        from: new Date(middle - 8 * 3_600_000).toISOString(),
        to: new Date(middle + 8 * 3_600_000).toISOString(),
        min_altitude_degrees: String(request.constraints?.min_altitude_degrees ?? 30),
      });
      const found = await http
        .get<Visibility>(`/api/telescopes/${request.telescope_id}/visibility?${query}`)
        .catch(() => null);
      if (!found || mine !== asked) return;
      visibility = found;
      this.sky = {
        ...this.sky,
        moon: `${say('book.moon')} ${percent(found.moon.illuminated_share, prefs.locale)} · ${number(found.moon.separation_degrees, prefs.locale)}°`,
      };
      this.paintCurve();
    },
    paintCurve(): void {
      if (!visibility) return;
      const v = visibility;
      const form = this.form;
      graph ??= new Graph(curve, {
        lines: [
          { label: say('book.altitude'), color: '--gold', fill: true },
          { label: say('book.limit'), color: '--danger', dash: [5, 5] },
        ],
        height: 240,
        digits: 0,
        zone: () => this.zone(),
        range: [0, 90],
        behind: (u) => visibility && shade(u, visibility, startMs / 1000, form.hours * 3_600),
      });
      graph.set([
        v.t,
        v.altitude.map((a) => (a < 0 ? null : a)),
        v.horizon.map((h) => Math.max(h, v.minimum_altitude_degrees)),
      ]);
    },

    async submit(): Promise<void> {
      const request = this.request();
      if (!request || !this.possible) return;
      const { credits_per_hour: _perHour, ...body } = request;
      this.busy = true;
      this.problem = '';
      try {
        const outcome = await handOver(root, body, this.isAdmin && !options.template ? http : null);
        if (outcome.errors) this.placeErrors(outcome.errors);
        if (outcome.done) this.done = outcome.message ?? say(outcome.said);
        else this.problem = outcome.message ?? say(outcome.said);
      } finally {
        this.busy = false;
      }
    },
  });
}

/** A label and what is said of it, with each language's own colon. */
const labelled = (label: string, text: string): string => `${label}${prefs.locale === 'fr' ? '\u00a0' : ''}: ${text}`;

/** Day, twilight and night behind the curve, and the slot. */
function shade(u: uPlot, v: Visibility, slotStart: number, slotSeconds: number): void {
  const { ctx, bbox } = u;
  const x = (t: number): number => u.valToPos(t, 'x', true);
  const style = getComputedStyle(document.documentElement);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  v.t.forEach((t, i) => {
    const sun = v.sun_altitude[i]!;
    const next = v.t[i + 1] ?? t;
    ctx.fillStyle =
      sun > 0
        ? 'rgba(130,170,235,0.28)'
        : sun > -6
          ? 'rgba(110,130,210,0.20)'
          : sun > v.sun_limit_degrees
            ? 'rgba(90,100,180,0.12)'
            : 'rgba(0,0,0,0)';
    ctx.fillRect(Math.round(x(t)), bbox.top, Math.round(x(next)) - Math.round(x(t)), bbox.height);
  });
  ctx.fillStyle = style.getPropertyValue('--accent').trim();
  ctx.globalAlpha = 0.14;
  ctx.fillRect(x(slotStart), bbox.top, x(slotStart + slotSeconds) - x(slotStart), bbox.height);
  ctx.restore();
}
