import { createHash } from 'node:crypto';
import type { Scope } from '../domain/contracts/token.ts';
import { SCOPES } from '../domain/contracts/token.ts';
import type { Database } from '../platform/database.ts';
import { deriveKey, equalConstantTime, hmacBase64Url } from '../platform/signing.ts';
import { Problem } from './errors.ts';
import { lookUp } from './revocations.ts';

/** Of each kind of credential, in memory. */
const MOST_REMEMBERED = 1_000;

export type TokenKind = 'booking' | 'user' | 'admin';

/** Who asks, and what they may do. `slot` is set for a booking token, so that an abort needs no database. */
export interface Identity {
  kind: 'key' | TokenKind | 'signature';
  /** For receipts and the audit log: `key:laravel`, `booking:b-1`; never a secret, never a person's name. */
  name: string;
  subject: string | null;
  scopes: ReadonlySet<Scope>;
  credentialId: string;
  expiresAtMs: number | null;
  slot: TokenSlot | null;
  /** The telescopes that the credential is for; null for all (telescope-gate.ts). */
  telescopes: readonly string[] | null;
}

export interface TokenSlot {
  telescopeId: string;
  startMs: number;
  endMs: number;
}

export const KIND_SCOPES: Record<TokenKind, readonly Scope[]> = {
  booking: ['session:view', 'session:control', 'session:abort'],
  user: ['session:view', 'session:control', 'session:abort', 'bookings:read', 'telescopes:read'],
  admin: SCOPES.filter((s) => s !== 'tokens:write'),
};
/** `view` of a booking token outlives the slot by the time finalising may take and a day (docs/api.md, Who may do what). */
export const VIEW_AFTER_SLOT_MS = 25 * 3_600_000;
export const TOKEN_LIFETIME_MS = 24 * 3_600_000;

interface Payload {
  v: 1;
  id: string;
  k: TokenKind;
  sub: string;
  sc: Scope[];
  exp: number;
  slot?: { t: string; s: number; e: number };
  tel?: string[];
}

/** Makes and reads the signed tokens that browsers carry: `nct_<payload>.<HMAC-SHA256>`. */
export class TokenSigner {
  private readonly key: Buffer;
  /** Whose signature was checked, the oldest first: a page asks again and again. Only genuine ones, so that nobody fills it. */
  private readonly genuine = new Map<string, Identity>();
  constructor(secret: string) {
    this.key = deriveKey(secret, 'token');
  }
  sign(token: {
    id: string;
    kind: TokenKind;
    subject: string;
    scopes: Scope[];
    expiresAtMs: number;
    slot: TokenSlot | null;
    telescopes: readonly string[] | null;
  }): string {
    const payload: Payload = {
      v: 1,
      id: token.id,
      k: token.kind,
      sub: token.subject,
      sc: token.scopes,
      exp: Math.floor(token.expiresAtMs / 1000),
      ...(token.slot
        ? {
            slot: {
              t: token.slot.telescopeId,
              s: Math.floor(token.slot.startMs / 1000),
              e: Math.floor(token.slot.endMs / 1000),
            },
          }
        : {}),
      ...(token.telescopes ? { tel: [...token.telescopes] } : {}),
    };
    const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
    return `nct_${body}.${hmacBase64Url(this.key, body)}`;
  }
  /** Who carries a token of ours, whether it has expired or not; null for any other text. */
  private holderOf(token: string): Identity | null {
    const known = this.genuine.get(token);
    if (known) return known;
    const [, body, signature] = /^nct_([A-Za-z0-9_-]{1,4000})\.([A-Za-z0-9_-]{43})$/.exec(token) ?? [];
    if (!body || !signature || !equalConstantTime(hmacBase64Url(this.key, body), signature)) return null;
    const holder = toIdentity(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Payload);
    if (this.genuine.size >= MOST_REMEMBERED) this.genuine.delete(this.genuine.keys().next().value!);
    this.genuine.set(token, holder);
    return holder;
  }
  isGenuine(token: string): boolean {
    return this.holderOf(token) !== null;
  }
  /** @throws Problem `unauthenticated` or `token_expired`. */
  read(token: string, nowMs: number): Identity {
    const holder = this.holderOf(token);
    if (holder === null) throw unauthenticated('The token is not one of ours.');
    if (holder.expiresAtMs! <= nowMs)
      throw new Problem(
        'token_expired',
        'The token has expired.',
        {},
        { 'www-authenticate': 'Bearer error="invalid_token"' },
      );
    return holder;
  }
}
const toIdentity = (payload: Payload): Identity => ({
  kind: payload.k,
  name: `${payload.k}:${payload.k === 'user' ? payload.id : payload.sub}`,
  subject: payload.sub,
  scopes: new Set(payload.sc),
  credentialId: payload.id,
  expiresAtMs: payload.exp * 1000,
  slot: payload.slot
    ? { telescopeId: payload.slot.t, startMs: payload.slot.s * 1000, endMs: payload.slot.e * 1000 }
    : null,
  telescopes: payload.tel ?? null,
});

export const unauthenticated = (detail: string): Problem =>
  new Problem('unauthenticated', detail, {}, { 'www-authenticate': 'Bearer realm="nocturne"' });

export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

interface CachedKey {
  identity: Identity;
  untilMs: number;
}
/**
 * Server keys (`X-API-Key`): the one of the environment works without a database; those of table api_keys are hashed there,
 * looked up by hash, and remembered for 30 s or until a replica says that keys have changed. While the bus cannot be
 * trusted to bring such news, nobody is let in from memory.
 */
export class ServerKeys {
  private readonly cache = new Map<string, CachedKey>();
  /** Until when a value is known to be no key; apart, so that guessing forgets no good one. */
  private readonly unknown = new Map<string, number>();
  private readonly used = new Map<string, number>();
  private readonly environmentHash: string | null;
  constructor(
    environmentKey: string | undefined,
    private readonly db: Database,
    private readonly busIsTrusted: () => boolean,
    private readonly now: () => number,
  ) {
    this.environmentHash = environmentKey ? hashKey(environmentKey) : null;
  }
  forget(): void {
    this.cache.clear();
    this.unknown.clear();
  }
  /** A key that was good when it was last looked up; asks nobody. */
  knows(key: string): boolean {
    const hash = hashKey(key);
    return this.cache.has(hash) || (this.environmentHash !== null && equalConstantTime(hash, this.environmentHash));
  }
  /** @throws Problem `unauthenticated` when no key has this value. */
  async identify(key: string): Promise<Identity> {
    const hash = hashKey(key);
    if (this.environmentHash && equalConstantTime(hash, this.environmentHash))
      return {
        kind: 'key',
        name: 'key:server',
        subject: null,
        scopes: new Set(SCOPES),
        credentialId: 'environment',
        expiresAtMs: null,
        slot: null,
        telescopes: null,
      };
    const cached = this.cache.get(hash);
    const now = this.now();
    if ((this.unknown.get(hash) ?? 0) > now) throw unauthenticated('The API key is not known.');
    const identity = cached && cached.untilMs > now && this.busIsTrusted() ? cached.identity : await this.ask(hash);
    if (!identity) throw unauthenticated('The API key is not known.');
    this.touch(identity.credentialId, now);
    return identity;
  }
  private async ask(hash: string): Promise<Identity | null> {
    const row = await lookUp(this.db.apiKey.findUnique({ where: { hash } }));
    const now = this.now();
    for (const memory of [this.cache, this.unknown]) if (memory.size > MOST_REMEMBERED) memory.clear();
    if (!row || row.revokedAt || (row.expiresAt && row.expiresAt.getTime() <= now)) {
      this.cache.delete(hash);
      this.unknown.set(hash, now + 5_000);
      return null;
    }
    const expiresAtMs = row.expiresAt?.getTime() ?? null;
    const identity: Identity = {
      kind: 'key',
      name: `key:${row.name}`,
      subject: null,
      scopes: new Set(row.scopes as Scope[]),
      credentialId: row.id,
      expiresAtMs,
      slot: null,
      telescopes: row.telescopes.length > 0 ? row.telescopes : null,
    };
    this.cache.set(hash, { identity, untilMs: Math.min(now + 30_000, expiresAtMs ?? Infinity) });
    return identity;
  }
  /** `last_used_at`, at most once a minute and key. */
  private touch(id: string, now: number): void {
    if (now - (this.used.get(id) ?? 0) < 60_000) return;
    this.used.set(id, now);
    void this.db.apiKey.update({ where: { id }, data: { lastUsedAt: new Date(now) } }).catch(() => undefined);
  }
}

/** @throws Problem `forbidden` unless one of the scopes is there. */
export function requireScope(who: Identity, ...anyOf: Scope[]): void {
  if (anyOf.some((scope) => who.scopes.has(scope))) return;
  throw new Problem('forbidden', `This needs the scope ${anyOf.join(' or ')}.`);
}
/** @throws Problem `forbidden` for anybody but a server key. */
export function requireKey(who: Identity, what: string): void {
  if (who.kind !== 'key') throw new Problem('forbidden', `${what} needs the server key.`);
}

/** A booking token speaks of one booking only; said before anything is read, so that nothing can be guessed. */
export function requireBooking(who: Identity, bookingId: string): void {
  if (who.kind === 'booking' && who.subject !== bookingId)
    throw new Problem('forbidden', 'This token is for another booking.');
}
/** @throws Problem `forbidden` where the credential is for other telescopes */
export function requireTelescope({ telescopes }: Identity, id: string): void {
  if (telescopes !== null && !telescopes.includes(id))
    throw new Problem('forbidden', `This credential is for ${telescopes.join(', ')} only.`);
}
/** Ownership of a row: a user token sees the bookings of that person and no trace of others. */
export function requireOwner(who: Identity, booking: { id: string; userRef: string }): void {
  requireBooking(who, booking.id);
  if (who.kind === 'user' && who.subject !== booking.userRef)
    throw new Problem('not_found', `No booking ${booking.id}.`);
}
/** Sees names and addresses: the server, admins, and people looking at their own bookings; a spectator (view only) does not. */
export const seesPerson = (who: Identity): boolean =>
  who.kind === 'key' || who.kind === 'admin' || (who.kind !== 'signature' && who.scopes.has('session:control'));
