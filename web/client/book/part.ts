import type { BookingRequestInput } from '../../../domain/contracts/booking.ts';
import type { CatalogueEntry } from '../../../domain/catalogue/index.ts';
import type { Visibility } from '../../../clients/typescript/nocturne.ts';
import type { Magics } from '../core/alpine.ts';
import type { Graph } from '../core/charts.ts';
import { anyToken, Http, takeToken } from '../core/http.ts';

export interface TelescopeChoice {
  id: string;
  name: string;
  filters: string[] | Record<string, number>;
  site?: { timezone?: string };
  credits_per_hour?: number | null;
}
/** A plan as it is checked; the price of an hour goes with it and is not part of the booking. */
export type AskedPlan = BookingRequestInput & { credits_per_hour?: number };

/** How the form is set up in a page of others; on our own page the tab knows. */
export interface BookingFormOptions {
  /** A user's token: it may ask whether a plan is possible, and book nothing. */
  token?: string;
  baseUrl?: string;
  locale?: 'fr' | 'en';
  /** What fills an empty element. */
  template?: string;
}

/** What the form knows and does not show. */
export class Machine {
  readonly http: Http;
  catalogue: CatalogueEntry[] = [];
  choices: TelescopeChoice[] = [];
  visibility: Visibility | null = null;
  graph: Graph | null = null;
  /** Counts the checks; an answer to an older one is not shown. */
  asked = 0;
  typing: ReturnType<typeof setTimeout> | undefined;
  checking: ReturnType<typeof setTimeout> | undefined;
  nextKey = 2;
  /** The start of the slot; the form shows it as a clock at the observatory does, or the guest's own. */
  startMs = Math.ceil((Date.now() + 3_600_000) / 1_800_000) * 1_800_000;
  root!: HTMLElement;
  curve!: HTMLElement;

  constructor(readonly options: BookingFormOptions) {
    this.http = new Http(options.token ?? takeToken('user') ?? anyToken(), options.baseUrl);
  }
  /** The page that embeds the form sets `data-credits-per-hour`, `data-credit-price-minor`, `data-currency` and `data-user-ref` on it. */
  setting(name: string): string | undefined {
    return this.root.dataset[name] || undefined;
  }
  choice(id: string): TelescopeChoice | undefined {
    return this.choices.find((one) => one.id === id);
  }
}

/** The form as its parts see it: each adds what it brings, by a declaration in its own file. */
export interface BookingForm extends Magics {
  m: Machine;
}
interface Part<State extends object, Methods extends object> {
  state(): State;
  methods: Methods & ThisType<BookingForm>;
}
export type Brings<One> = One extends Part<infer State, infer Methods> ? State & Methods : never;

export const part = <State extends object, Methods extends object>(one: Part<State, Methods>): Part<State, Methods> =>
  one;
