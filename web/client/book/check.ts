import type uPlot from 'uplot';
import type { BookingCheck, Visibility } from '../../../clients/typescript/nocturne.ts';
import type { BookingRequestInput } from '../../../domain/contracts/booking.ts';
import { Graph } from '../core/charts.ts';
import { clock, duration, number, percent, UNKNOWN } from '../core/format.ts';
import { ApiProblem } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { say } from '../i18n/index.ts';
import { part, type Brings } from './part.ts';

/** What the API thinks of the plan: possible or not and why, its price, and the target's way over the night. */
export const check = part({
  state: () => ({
    sky: { altitude: '', moon: '', usable: '' },
    cost: UNKNOWN,
    price: '',
    planText: '',
    verdict: { tone: 'unknown', text: '…' },
    possible: false,
  }),
  methods: {
    changed(): void {
      this.done = '';
      clearTimeout(this.m.checking);
      this.m.checking = setTimeout(() => void this.check(), 350);
    },
    async check(): Promise<void> {
      const mine = ++this.m.asked;
      const request = this.request();
      this.possible = false;
      if (!request || !this.m.http.token) {
        this.reasons = [];
        this.verdict = { tone: 'unknown', text: say('book.incomplete') };
        return;
      }
      this.reasons = [];
      void this.loadCurve(request, mine);
      try {
        const check = await this.m.http.post<BookingCheck>('/api/bookings/check', request);
        if (mine === this.m.asked) this.judge(check);
      } catch (thrown) {
        if (mine !== this.m.asked) return;
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
      this.price = this.priceOf(check.credits);
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
    /** In money where the page around the form names a price, else what an hour costs in credits. */
    priceOf(credits: number | null): string {
      if (credits === null) return say('book.noTariff');
      const l = prefs.locale;
      const [minor, currency] = [Number(this.m.setting('creditPriceMinor')), this.m.setting('currency')];
      if (minor > 0 && currency)
        return new Intl.NumberFormat(l, { style: 'currency', currency }).format((credits * minor) / 100);
      const perHour = this.perHour();
      return perHour === null ? '' : say('book.rate', { n: number(perHour, l, perHour % 1 ? 2 : 0) });
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
      const found = await this.m.http
        .get<Visibility>(`/api/telescopes/${request.telescope_id}/visibility?${query}`)
        .catch(() => null);
      if (!found || mine !== this.m.asked) return;
      this.m.visibility = found;
      this.sky = {
        ...this.sky,
        moon: `${say('book.moon')} ${percent(found.moon.illuminated_share, prefs.locale)} · ${number(found.moon.separation_degrees, prefs.locale)}°`,
      };
      this.paintCurve();
    },
    paintCurve(): void {
      if (!this.m.visibility) return;
      const v = this.m.visibility;
      const form = this.form;
      this.m.graph ??= new Graph(this.m.curve, {
        lines: [
          { label: say('book.altitude'), color: '--gold', fill: true },
          { label: say('book.limit'), color: '--danger', dash: [5, 5] },
        ],
        height: 240,
        digits: 0,
        zone: () => this.zone(),
        range: [0, 90],
        behind: (u) => this.m.visibility && shade(u, this.m.visibility, this.m.startMs / 1000, form.hours * 3_600),
      });
      this.m.graph.set([
        v.t,
        v.altitude.map((a) => (a < 0 ? null : a)),
        v.horizon.map((h) => Math.max(h, v.minimum_altitude_degrees)),
      ]);
    },
  },
});

/** By the Sun's altitude in degrees: day, civil twilight, the rest of twilight, and the night in which frames are taken. */
function skyColour(sun: number, limit: number): string {
  if (sun > 0) return 'rgba(130,170,235,0.28)';
  if (sun > -6) return 'rgba(110,130,210,0.20)';
  return sun > limit ? 'rgba(90,100,180,0.12)' : 'rgba(0,0,0,0)';
}
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
    ctx.fillStyle = skyColour(sun, v.sun_limit_degrees);
    ctx.fillRect(Math.round(x(t)), bbox.top, Math.round(x(next)) - Math.round(x(t)), bbox.height);
  });
  ctx.fillStyle = style.getPropertyValue('--accent').trim();
  ctx.globalAlpha = 0.14;
  ctx.fillRect(x(slotStart), bbox.top, x(slotStart + slotSeconds) - x(slotStart), bbox.height);
  ctx.restore();
}

declare module './part.ts' {
  interface BookingForm extends Brings<typeof check> {}
}
