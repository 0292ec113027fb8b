import { unwatched } from '../core/alpine.ts';
import { ApiProblem } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { say } from '../i18n/index.ts';
import { translateTree } from '../i18n/tree.ts';
import { check } from './check.ts';
import { handOver } from './hand-over.ts';
import { Machine, part, type BookingFormOptions, type Brings, type TelescopeChoice } from './part.ts';
import { plan } from './plan.ts';
import { search } from './search.ts';
import { slot } from './slot.ts';

export type { BookingFormOptions };

/** The form from nothing to a plan that somebody has taken. */
const frame = part({
  state: () => ({
    problem: '',
    noKey: false,
    telescopes: [] as { id: string; name: string }[],
    filters: ['L', 'R', 'G', 'B', 'Ha', 'OIII', 'SII'],
    labels: {},
    busy: false,
    done: '',
  }),
  methods: {
    init(): void {
      this.m.root = this.$root;
      if (this.m.options.locale && this.m.options.locale !== prefs.locale) prefs.locale = this.m.options.locale;
      if (this.m.options.template && this.m.root.childElementCount === 0) {
        this.m.root.classList.add('telescope-control', 'booking-form');
        this.m.root.innerHTML = this.m.options.template;
        translateTree(this.m.root, prefs.locale);
        // What was just put in gets its references in the next turn.
        this.$nextTick(() => this.begin());
      } else this.begin();
    },
    begin(): void {
      this.m.curve = this.$refs.curve!;
      this.paintLabels();
      this.showStart();
      document.addEventListener('nocturne:prefs', () => {
        this.paintLabels();
        this.showStart();
        this.m.graph = null;
        this.m.curve.replaceChildren();
        this.paintCurve();
        void this.check();
      });
      this.noKey = !this.m.http.token;
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
        const { data } = await this.m.http.get<{ data: TelescopeChoice[] }>('/api/telescopes');
        this.m.choices = data;
        this.telescopes = data.map(({ id, name }) => ({ id, name }));
        this.form.telescope ||= data[0]?.id ?? '';
        this.telescopeChanged();
      } catch (thrown) {
        if (this.m.http.token)
          this.problem = thrown instanceof ApiProblem && thrown.status < 500 ? say('ui.denied') : say('ui.error');
      }
    },
    telescopeChanged(): void {
      const filters = this.m.choice(this.form.telescope)?.filters;
      if (filters) this.filters = Array.isArray(filters) ? filters : Object.keys(filters);
      this.showStart();
      this.changed();
    },

    async submit(): Promise<void> {
      const request = this.request();
      if (!request || !this.possible) return;
      const { credits_per_hour: _perHour, ...body } = request;
      this.busy = true;
      this.problem = '';
      try {
        const outcome = await handOver(
          this.m.root,
          body,
          this.isAdmin && !this.m.options.template ? this.m.http : null,
        );
        if (outcome.errors) this.placeErrors(outcome.errors);
        if (outcome.done) this.done = outcome.message ?? say(outcome.said);
        else this.problem = outcome.message ?? say(outcome.said);
      } finally {
        this.busy = false;
      }
    },
  },
});

declare module './part.ts' {
  interface BookingForm extends Brings<typeof frame> {}
}

/** The Alpine component `bookingForm`: a plan of a night, its check and its handing over. See docs/embedding.md. */
export function bookingForm(options: BookingFormOptions = {}): object {
  const members = [frame, search, slot, plan, check].map((one) => ({ ...one.state(), ...one.methods }));
  return Object.assign({}, ...members, { m: unwatched(new Machine(options)) }) as object;
}
