import { requireTelescope, type Identity } from './auth.ts';
import type { Deps } from './deps.ts';
import { Problem, invalid } from './errors.ts';

/**
 * A key or token for some telescopes reaches these alone. Every route of the API passes here: one that names no telescope is refused, unless its
 * handler narrows what it answers by itself.
 */
export interface Asked {
  path: string;
  /** The handler keeps to the telescopes of whoever asks. */
  narrows: boolean;
  /** A stop: what cannot be looked up does not refuse it. */
  failOpen: boolean;
  /** Names of the query’s fields. */
  queryFields: readonly string[];
  params: Readonly<Record<string, unknown>>;
  query: Record<string, unknown>;
  body: unknown;
}

const LOOKUP_MS = 500;

/** @throws Problem unless each telescope that the request names is one of the credential’s; one that is left out is its only one */
export async function refuseOtherTelescopes(deps: Deps, who: Identity, asked: Asked): Promise<void> {
  if (who.telescopes === null || asked.narrows) return;
  const named = [...telescopesNamed(who.telescopes, asked), ...(await telescopeOfBooking(deps, asked))];
  if (named.length === 0)
    throw new Problem(
      'forbidden',
      `This credential is for ${who.telescopes.join(', ')}; this route is for all telescopes.`,
    );
  for (const id of named) if (id !== ANY) requireTelescope(who, id);
}

/** Stands for a booking that is not there (the handler says so), or cannot be looked up where a stop is asked. */
const ANY = '*';

function telescopesNamed(own: readonly string[], { path, params, query, queryFields, body }: Asked): string[] {
  const found = [(body as { telescope_id?: unknown } | undefined)?.telescope_id];
  if (path.startsWith('/api/telescopes/{id}')) found.push(params.id);
  const field = queryFields.find((name) => name === 'telescope' || name === 'telescope_id');
  if (field) {
    if (query[field] === undefined && own.length > 1)
      throw invalid({ [field]: [`is required: this credential is for ${own.join(', ')}`] });
    query[field] ??= own[0];
    found.push(query[field]);
  }
  return found.filter((id) => typeof id === 'string');
}

async function telescopeOfBooking(deps: Deps, { path, params, failOpen }: Asked): Promise<string[]> {
  if (!path.startsWith('/api/bookings/{id}')) return [];
  const row = deps.db.booking.findUnique({ where: { id: String(params.id) }, select: { telescopeId: true } });
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), LOOKUP_MS).unref());
  const booking = failOpen ? await Promise.race([row, late]).catch(() => null) : await row;
  return [booking?.telescopeId ?? ANY];
}
