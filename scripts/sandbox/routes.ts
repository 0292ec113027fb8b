import { Hono } from 'hono';
import { z } from 'zod';
import type { Deps } from '../../api/deps.ts';
import { Problem, fieldErrors, invalid, problemResponse, toProblem } from '../../api/errors.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { prepareAt } from '../../activities/session/booking.ts';
import { FAULT_NAMES, WEATHERS, type SandboxObservatory } from './observatory.ts';
import { clock } from './clock.ts';
import { OVER_WITHIN_MS, type Passing } from './passing.ts';
import type { Relay } from './relay.ts';
import { suggestion } from './suggestion.ts';

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;
/** More at once is a slip of the pen. */
const FURTHEST_MS = 400 * UNITS.d;
const MOMENTS = ['preparation', 'slot-start', 'slot-end', 'over'] as const;
type Moment = (typeof MOMENTS)[number];

/** `2h`, `90m`, `1d12h`, `1h30m15s` in milliseconds; null for anything else. */
export function spanMs(text: string): number | null {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim().replaceAll(' ', ''));
  if (!parts || parts[0] === '') return null;
  const [, d, h, m, s] = parts.map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  return d * UNITS.d + h * UNITS.h + m * UNITS.m + s * UNITS.s;
}

const Span = z.string().transform((text, context) => {
  const ms = spanMs(text);
  if (ms !== null && ms > 0 && ms <= FURTHEST_MS) return ms;
  context.addIssue({ code: 'custom', message: 'must be a span such as 30s, 90m, 2h or 1d12h, 400 days at most' });
  return z.NEVER;
});
const To = z.union([z.enum(MOMENTS), z.iso.datetime({ offset: true })], {
  error: `must be one of ${MOMENTS.join(', ')} with a booking_id, or an instant with its offset such as 2026-11-23T22:00:00Z`,
});
const Move = z
  .strictObject({ advance: Span.optional(), to: To.optional(), booking_id: z.string().optional() })
  .superRefine((move, context) => {
    const wrong = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if ((move.advance === undefined) === (move.to === undefined)) wrong('advance', 'Say either advance or to.');
    if (isMoment(move.to) && !move.booking_id) wrong('booking_id', `"${move.to}" is a moment of a booking: name it.`);
  });
const Weather = z.strictObject({ state: z.enum(WEATHERS), for: Span.optional() });
const Fault = z.strictObject({ kind: z.enum([...FAULT_NAMES, 'none']), for: Span.optional() });
const isMoment = (to: string | undefined): to is Moment => (MOMENTS as readonly (string | undefined)[]).includes(to);

export interface SandboxParts {
  deps: Deps;
  passing: Passing;
  observatory: SandboxObservatory;
  /** Null where nobody was named who hears. */
  relay: Relay | null;
}

/** What only the sandbox has: its clock, its weather, its faults, and what was delivered. Writing needs the API's key, as everywhere. */
export function sandboxRoutes(parts: SandboxParts): Hono {
  const { deps, passing, observatory, relay } = parts;
  const app = new Hono();
  app.onError((thrown, c) => problemResponse(c, toProblem(thrown, deps.logger, undefined)));
  app.use('*', async (c, next) => {
    if (c.req.method !== 'GET') await deps.keys.identify(c.req.header('x-api-key') ?? '');
    await next();
  });
  app.get('/clock', (c) => c.json(reading()));
  app.post('/clock', async (c) => {
    const move = parsed(Move, await bodyOf(c.req));
    const before = Date.now();
    if (move.to === 'over') await untilOver(parts, move.booking_id!);
    else await passing.until(await instantOf(parts, move));
    return c.json({ ...reading(), passed_seconds: Math.round((Date.now() - before) / 1000) });
  });
  app.get('/booking', (c) => c.json(suggestion(observatory.telescope, Date.now())));
  app.get('/sky', (c) => c.json(observatory.underWay(Date.now())));
  app.post('/weather', async (c) => {
    const body = parsed(Weather, await bodyOf(c.req));
    observatory.weather(body.state, Date.now(), body.for ? Date.now() + body.for : Infinity);
    return c.json(observatory.underWay(Date.now()));
  });
  app.post('/fault', async (c) => {
    const body = parsed(Fault, await bodyOf(c.req));
    const now = Date.now();
    if (body.kind === 'none') observatory.mend(now);
    else observatory.fault(body.kind, now, body.for ? now + body.for : Infinity);
    return c.json(observatory.underWay(now));
  });
  app.get('/deliveries', (c) => c.json({ data: relay?.deliveries ?? [] }));
  return app;
}

const reading = () => ({
  now: new Date().toISOString(),
  ahead_seconds: Math.round(clock.shiftMs / 1000),
  machine_now: new Date(clock.machineMs()).toISOString(),
});

async function bodyOf(request: { text: () => Promise<string> }): Promise<unknown> {
  try {
    return JSON.parse(await request.text());
  } catch {
    throw new Problem('malformed_json', 'The body is no JSON.');
  }
}
function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.safeParse(body);
  if (!read.success) throw invalid(fieldErrors(read.error.issues));
  return read.data;
}

async function bookingOf({ deps }: SandboxParts, id: string) {
  const booking = await deps.db.booking.findUnique({ where: { id } });
  if (!booking) throw invalid({ booking_id: [`There is no booking ${id} here.`] });
  return booking;
}
async function untilOver(parts: SandboxParts, id: string): Promise<void> {
  const { endsAt } = await bookingOf(parts, id);
  await parts.passing.untilOver(id, Math.max(endsAt.getTime(), Date.now()) + OVER_WITHIN_MS);
}
/** @throws Problem where it is not ahead: time does not go back */
async function instantOf(parts: SandboxParts, move: z.output<typeof Move>): Promise<number> {
  const now = Date.now();
  if (move.advance !== undefined) return now + move.advance;
  const to = isMoment(move.to) ? await momentOf(parts, move.to, move.booking_id!) : Date.parse(move.to!);
  if (to < now)
    throw invalid({
      to: [
        `${new Date(to).toISOString()} is past; it is ${new Date(now).toISOString()} here, and time does not go back.`,
      ],
    });
  if (to > now + FURTHEST_MS) throw invalid({ to: ['is more than 400 days away.'] });
  return to;
}
async function momentOf(parts: SandboxParts, moment: Moment, id: string): Promise<number> {
  const { startsAt, endsAt, telescopeId } = await bookingOf(parts, id);
  if (moment === 'slot-start') return startsAt.getTime();
  if (moment === 'slot-end') return endsAt.getTime();
  const telescope = await findTelescope(parts.deps.db, telescopeId);
  return prepareAt({ ...telescope!, site: telescope!.site! }, startsAt.getTime()).getTime();
}
