import { prefs } from './prefs.ts';
import { tabKeep } from './storage.ts';

/** What the server says of itself to pages: `GET /api/config`. */
export interface PageConfig {
  key: string;
  wsPath: string;
  supportUrl: string | null;
  supportEmail: string | null;
  vapidPublicKey: string | null;
  demo: boolean;
  temporalUiUrl: string | null;
  bookUrl: string | null;
}

const textOf = (...values: unknown[]): string =>
  values.find((value): value is string => typeof value === 'string') ?? '';

/** A refusal of the API (RFC 9457), with Laravel's `errors` by field where it has them. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: Record<string, string[]>;
  readonly body: Record<string, unknown>;
  constructor(status: number, body: Record<string, unknown>) {
    super(textOf(body.detail, body.title) || `HTTP ${status}`);
    this.status = status;
    this.code = textOf(body.code, body.type).replace(/^.*[/:#]/, '');
    this.errors = (body.errors as Record<string, string[]>) ?? {};
    this.body = body;
  }
}

/** The API knows who asks, or does not, and shows them nothing. */
export const isDenied = (thrown: unknown): boolean =>
  thrown instanceof ApiProblem && (thrown.status === 401 || thrown.status === 403);

/** A page of a list as the API answers it. */
export interface Page<T> {
  data: T[];
  meta: { next_cursor: string | null };
}

export type TokenKind = 'booking' | 'user' | 'admin';
const storageKey = (kind: TokenKind, id = ''): string => `nocturne.token.${kind}${id ? `.${id}` : ''}`;

/** Takes a part of the fragment out of the address, without a step in the history. */
export function dropFromAddress(fragment: URLSearchParams, name: string): void {
  fragment.delete(name);
  const rest = fragment.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
}

/** Whether an admin has used this tab. */
export const isAdminsTab = (): boolean => tabKeep.get(storageKey('admin')) !== null;
/** Any token of this tab, whoever it speaks for. */
export function anyToken(): string | null {
  const key = tabKeep.keys().find((known) => known.startsWith('nocturne.token.'));
  return key === undefined ? null : tabKeep.get(key);
}

/**
 * Takes `#token=…` out of the address into the tab's session storage, so that it stays out of histories, logs and referrers.
 * @param kind what the page's token speaks for
 * @param id booking id of a booking token
 */
export function takeToken(kind: TokenKind, id = ''): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get('token');
  if (given) {
    tabKeep.set(storageKey(kind, id), given);
    // Where the browser keeps nothing the address alone can bring the key through a reload.
    if (tabKeep.lasts) dropFromAddress(fragment, 'token');
  }
  return (
    given ?? tabKeep.get(storageKey(kind, id)) ?? tabKeep.get(storageKey('user')) ?? tabKeep.get(storageKey('admin'))
  );
}

/** Keeps a token for this tab; where the browser keeps nothing, in the address. */
export function keepToken(kind: TokenKind, id: string, token: string): void {
  tabKeep.set(storageKey(kind, id), token);
  if (!tabKeep.lasts) history.replaceState(history.state, '', `${location.pathname}${location.search}#token=${token}`);
}
/** This tab opens nothing with it any more. */
export function forgetToken(kind: TokenKind, id = ''): void {
  tabKeep.forget(storageKey(kind, id));
  dropFromAddress(new URLSearchParams(location.hash.slice(1)), 'token');
}
/** Questions refused for their number are asked this often. */
const MAX_TRIES = 5;

/** Calls to the API with the page's token. */
export class Http {
  readonly token: string | null;
  readonly base: string;
  constructor(token: string | null, base = '') {
    this.token = token;
    this.base = base.replace(/\/$/, '');
  }
  headers(): Record<string, string> {
    return { 'accept-language': prefs.locale, ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) };
  }
  url(path: string): string {
    return path.startsWith('/') ? this.base + path : path;
  }
  private async send(path: string, init: RequestInit, withinMs = 20_000): Promise<Response> {
    const response = await fetch(this.url(path), {
      ...init,
      headers: { ...this.headers(), ...(init.headers as Record<string, string>) },
      signal: AbortSignal.timeout(withinMs),
    });
    if (response.ok) return response;
    const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    throw new ApiProblem(response.status, body);
  }
  async get<T>(path: string): Promise<T> {
    const ask = (): Promise<Response> => this.send(path, { headers: { accept: 'application/json' } });
    for (let tries = 1; ; tries++) {
      try {
        return (await (await ask()).json()) as T;
      } catch (thrown) {
        // A link that many people opened at once: each asks again a little later, and not all together.
        if (!(thrown instanceof ApiProblem) || thrown.status !== 429 || tries >= MAX_TRIES) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 1_000 * tries * (0.5 + Math.random())));
      }
    }
  }
  /** Every page of a list, one after the other, from `cursor` on. `path` has a query. */
  async *pages<T>(path: string, cursor: string | null = null): AsyncGenerator<T[]> {
    for (let next = cursor, first = cursor === null; first || next !== null; first = false) {
      const page: Page<T> = await this.get<Page<T>>(
        next === null ? path : `${path}&cursor=${encodeURIComponent(next)}`,
      );
      yield page.data;
      next = page.meta.next_cursor;
    }
  }
  async blob(path: string, withinMs?: number): Promise<Blob> {
    return (await this.send(path, {}, withinMs)).blob();
  }
  async post<T>(path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST'): Promise<T> {
    const response = await this.send(path, {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return (response.status === 204 ? null : await response.json()) as T;
  }
  async config(): Promise<PageConfig> {
    const raw = await this.get<Record<string, unknown>>('/api/config');
    const live = (raw.pusher ?? raw.live ?? raw) as Record<string, unknown>;
    const support = (raw.support ?? {}) as Record<string, unknown>;
    const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
    return {
      key: text(live.key) ?? text(live.app_key) ?? text(raw.app_key) ?? 'nocturne',
      wsPath: text(live.path) ?? text(live.ws_path) ?? '',
      supportUrl: text(support.url) ?? text(raw.support_url),
      supportEmail: text(support.email) ?? text(raw.support_email),
      vapidPublicKey: text(raw.vapid_public_key),
      demo: raw.demo === true,
      temporalUiUrl: text(raw.temporal_ui_url),
      bookUrl: text(raw.book_url),
    };
  }
}
