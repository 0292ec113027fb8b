import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { Receipt } from '../../domain/contracts/control.ts';
import { TelescopeState } from '../../domain/contracts/state.ts';
import { Maintenance, Telescope, type Telescope as TelescopeBody } from '../../domain/contracts/telescope.ts';
import { altAz, hourAngleHours, moon, sunAltitudeDegrees, usableWindows, horizonAltitude } from '../../domain/sky.ts';
import { COORDINATE_PROBLEMS, readDecDegrees, readRaHours } from '../../domain/coordinates.ts';
import { randomUUID } from 'node:crypto';
import { publish } from '../../platform/bus.ts';
import { openReceipt } from '../../platform/receipts.ts';
import type { Identity } from '../auth.ts';
import { commandIdOf, receiptAnswer } from '../bookings/controls.ts';
import { filterNames } from '../bookings/rules.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { tellOfMaintenance } from './maintenance.ts';
import { seenBy } from './mirror.ts';
import { json, operation, type App } from '../operation.ts';
import { requireMatch } from '../precondition.ts';
import { settleReceipt } from '../bookings/receipts.ts';

const Id = z.object({ id: TelescopeId });
const READ = { scopes: ['telescopes:read', 'telescopes:write', 'bookings:write', 'admin:read'] } as const;

/** What a guest may know of a telescope: no host, no path, no command list. */
const PublicTelescope = z
  .object({
    id: TelescopeId,
    name: z.string(),
    site: Telescope.shape.site,
    horizon_degrees: z.number(),
    night: z.object({ sun_altitude_degrees: z.number() }),
    filters: z.array(z.string()),
    camera: z.object({ width: z.number(), height: z.number(), pixel_um: z.number(), bayer: z.string().nullable() }),
    turnaround_minutes: z.number(),
    credits_per_hour: z.number().optional(),
  })
  .meta({ id: 'PublicTelescope' });
const Listed = z.object({ data: z.array(z.union([PublicTelescope, Telescope])) }).meta({ id: 'TelescopeList' });

const Availability = z
  .object({
    telescope_id: TelescopeId,
    from: Instant,
    to: Instant,
    taken: z.array(
      z.object({
        start: Instant,
        end: Instant,
        kind: z.enum(['booking', 'maintenance']),
        booking_id: z.string().optional(),
      }),
    ),
    nights: z.array(z.object({ start: Instant, end: Instant })).describe('Dark at the site'),
    free: z.array(z.object({ start: Instant, end: Instant })).describe('Dark and not taken'),
  })
  .meta({ id: 'Availability' });

const Visibility = z
  .object({
    telescope_id: TelescopeId,
    from: Instant,
    to: Instant,
    step_seconds: z.number(),
    t: z.array(z.number().int()).describe('Unix seconds'),
    altitude: z.array(z.number()).describe('degrees'),
    azimuth: z.array(z.number()),
    hour_angle: z.array(z.number()).describe('hours'),
    horizon: z.array(z.number()).describe('degrees, in the direction of the target'),
    sun_altitude: z.array(z.number()),
    moon: z.object({ illuminated_share: z.number(), separation_degrees: z.number(), altitude_degrees: z.number() }),
    windows: z
      .array(z.object({ start: Instant, end: Instant }))
      .describe('Dark, above the limit, inside the hour angles'),
    best: z.object({ at: Instant, altitude_degrees: z.number() }).nullable(),
    minimum_altitude_degrees: z.number(),
    sun_limit_degrees: z.number(),
  })
  .meta({ id: 'Visibility' });

function publicView(telescope: Telescope): z.infer<typeof PublicTelescope> {
  const { id, name, site, horizon_degrees, night, camera, filters, policy, credits_per_hour } = telescope;
  return {
    id,
    name,
    site,
    horizon_degrees,
    night,
    camera,
    filters: filterNames({ filters }),
    turnaround_minutes: policy.turnaround_minutes,
    ...(credits_per_hour === undefined ? {} : { credits_per_hour }),
  };
}
/**
 * A gateway serves the telescopes of its own configuration. One that none serves would take bookings which nobody carries out.
 * @throws Problem 422 unless the gateway at `gateway_url` says that it serves this telescope.
 */
async function refuseUnserved(deps: Deps, body: TelescopeBody, before: { config: unknown } | null): Promise<void> {
  if (before && (before.config as { gateway_url?: string }).gateway_url === body.gateway_url) return;
  try {
    const state = await deps.gateways.state(body);
    if (state.telescope_id === body.id) return;
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
  }
  throw invalid({
    gateway_url: [
      `no gateway at ${body.gateway_url} serves telescope "${body.id}": add it to the TELESCOPES_FILE of that gateway, restart it, then repeat this`,
    ],
  });
}

const seesAll = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';
const round = (value: number, decimals = 2): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
const iso = (ms: number): string => new Date(ms).toISOString();

/** Spans in which `free` is left after `taken` is cut out. */
function without(
  spans: { start: number; end: number }[],
  taken: { start: number; end: number }[],
): { start: number; end: number }[] {
  let left = spans;
  for (const cut of taken)
    left = left.flatMap((s) =>
      cut.end <= s.start || cut.start >= s.end
        ? [s]
        : [
            { start: s.start, end: Math.max(s.start, cut.start) },
            { start: Math.min(s.end, cut.end), end: s.end },
          ],
    );
  return left.filter((s) => s.end - s.start >= 60_000);
}

/** Spans in which the Sun is below the night limit, to the minute. */
function nights(telescope: Telescope, from: number, to: number): { start: number; end: number }[] {
  const dark = (at: number): boolean => sunAltitudeDegrees(telescope.site, at) <= telescope.night.sun_altitude_degrees;
  const spans: { start: number; end: number }[] = [];
  const STEP = 600_000;
  const edge = (a: number, b: number): number => {
    let low = a;
    let high = b;
    while (high - low > 30_000) {
      const middle = (low + high) / 2;
      if (dark(middle) === dark(a)) low = middle;
      else high = middle;
    }
    return Math.round(high / 60_000) * 60_000;
  };
  let open = dark(from) ? from : null;
  for (let at = from; at < to; at += STEP) {
    const next = Math.min(to, at + STEP);
    const now = dark(next);
    if (now && open === null) open = edge(at, next);
    else if (!now && open !== null) {
      spans.push({ start: open, end: edge(at, next) });
      open = null;
    }
  }
  if (open !== null) spans.push({ start: open, end: to });
  return spans;
}

export function telescopeRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes',
      id: 'listTelescopes',
      tag: 'Telescopes',
      summary: 'The telescopes',
      guard: { scopes: [...READ.scopes, 'session:view'] },
      answers: { 200: { description: 'All of them', schema: Listed } },
    },
    async ({ who }) => {
      const all = await deps.telescopes.list();
      return json({ data: seesAll(who) ? all : all.map(publicView) });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes/{id}',
      id: 'getTelescope',
      tag: 'Telescopes',
      summary: 'One telescope',
      guard: { scopes: [...READ.scopes, 'session:view'] },
      params: Id,
      answers: {
        200: {
          description: 'The telescope',
          schema: z.union([PublicTelescope, Telescope]),
          headers: { etag: 'For If-Match' },
        },
      },
    },
    async ({ who, params }) => {
      const telescope = await deps.telescopes.get(params.id);
      return json(seesAll(who) ? telescope : publicView(telescope), 200, {
        etag: `"${params.id}.${deps.telescopes.version(params.id)}"`,
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'put',
      path: '/api/telescopes/{id}',
      id: 'putTelescope',
      tag: 'Telescopes',
      summary: 'Make or change a telescope',
      description: 'Stands until the telescopes file itself changes. Sessions read it when they next begin a step.',
      guard: { scopes: ['telescopes:write'] },
      params: Id,
      body: Telescope,
      answers: { 200: { description: 'Changed', schema: Telescope }, 201: { description: 'Made', schema: Telescope } },
      problems: ['precondition_failed'],
    },
    async ({ c, who, params, body }) => {
      if (body.id !== params.id) throw invalid({ id: [`must be "${params.id}", as in the address`] });
      const before = await deps.db.telescope.findUnique({ where: { id: params.id } });
      requireMatch(c.req.header('if-match'), `"${params.id}.${before?.version ?? 0}"`, 'telescope');
      await refuseUnserved(deps, body, before);
      const now = new Date(deps.now());
      const row = await deps.db.$transaction(async (tx) => {
        const saved = await tx.telescope.upsert({
          where: { id: params.id },
          create: { id: params.id, config: body },
          update: { config: body, version: { increment: 1 }, updatedAt: now },
        });
        await tx.audit.create({
          data: {
            id: randomUUID(),
            at: now,
            actor: who.name,
            action: 'telescope.put',
            telescopeId: params.id,
            data: { version: saved.version },
          },
        });
        await publish(tx, { kind: 'control', what: 'telescopes.changed', data: { id: params.id } });
        return saved;
      });
      deps.telescopes.forget();
      return json(body, before ? 200 : 201, { etag: `"${params.id}.${row.version}"` });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes/{id}/state',
      id: 'getTelescopeState',
      tag: 'Telescopes',
      summary: 'What Voyager says of the telescope, with ages',
      guard: READ,
      params: Id,
      answers: { 200: { description: 'The mirror', schema: TelescopeState } },
      problems: ['gateway_away'],
    },
    async ({ who, params }) => {
      const telescope = await deps.telescopes.get(params.id);
      const state = await deps.mirror.state(telescope);
      if (!state)
        throw new Problem(
          'gateway_away',
          `Nothing is known of ${params.id} yet; its gateway does not answer.`,
          {},
          { 'retry-after': '5' },
        );
      return json(seesAll(who) ? state : seenBy(state, null), 200, { 'cache-control': 'no-store' });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes/{id}/availability',
      id: 'getAvailability',
      tag: 'Telescopes',
      summary: 'Free nights and taken slots',
      guard: { scopes: [...READ.scopes, 'session:view'] },
      params: Id,
      query: z.object({ from: Instant.optional(), to: Instant.optional().describe('At most 62 days after `from`') }),
      answers: { 200: { description: 'Taken, dark and free', schema: Availability } },
    },
    async ({ who, params, query }) => {
      const telescope = await deps.telescopes.get(params.id);
      const from = query.from ? Date.parse(query.from) : deps.now();
      const to = query.to ? Date.parse(query.to) : from + 7 * 86_400_000;
      if (to <= from || to - from > 62 * 86_400_000) throw invalid({ to: ['must be after from, by 62 days at most'] });
      const [bookings, maintenance] = await Promise.all([
        deps.db.booking.findMany({
          where: {
            telescopeId: params.id,
            occupies: true,
            startsAt: { lt: new Date(to) },
            blockedUntil: { gt: new Date(from) },
          },
          orderBy: { startsAt: 'asc' },
        }),
        deps.db.maintenance.findMany({
          where: { telescopeId: params.id, endedAt: null, fromAt: { lt: new Date(to) }, toAt: { gt: new Date(from) } },
          orderBy: { fromAt: 'asc' },
        }),
      ]);
      const taken = [
        ...bookings.map((b) => ({
          start: b.startsAt.getTime(),
          end: b.blockedUntil.getTime(),
          kind: 'booking' as const,
          id: b.id,
        })),
        ...maintenance.map((m) => ({
          start: m.fromAt.getTime(),
          end: m.toAt.getTime(),
          kind: 'maintenance' as const,
          id: null,
        })),
      ].sort((a, b) => a.start - b.start);
      const dark = nights(telescope, from, to);
      return json({
        telescope_id: params.id,
        from: iso(from),
        to: iso(to),
        taken: taken.map((t) => ({
          start: iso(t.start),
          end: iso(t.end),
          kind: t.kind,
          ...(t.id && seesAll(who) ? { booking_id: t.id } : {}),
        })),
        nights: dark.map((n) => ({ start: iso(n.start), end: iso(n.end) })),
        free: without(dark, taken).map((n) => ({ start: iso(n.start), end: iso(n.end) })),
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes/{id}/visibility',
      id: 'getVisibility',
      tag: 'Telescopes',
      summary: 'A target’s way over the site’s sky in one night',
      guard: { scopes: [...READ.scopes, 'session:view'] },
      params: Id,
      query: z.object({
        ra_hours: z.string().max(64).describe('hours, or like 02:49:50'),
        dec_degrees: z.string().max(64).describe('degrees, or like +47:20:07'),
        date: z.iso.date().optional().describe('Evening of the night, at the site; tonight when left out'),
        from: Instant.optional(),
        to: Instant.optional().describe('At most 48 h after `from`'),
        min_altitude_degrees: z.coerce.number().min(0).max(89).default(30),
        hour_angle_start_hours: z.coerce.number().min(-12).max(12).default(-12),
        hour_angle_end_hours: z.coerce.number().min(-12).max(12).default(12),
      }),
      answers: { 200: { description: 'The curve', schema: Visibility } },
    },
    async ({ params, query }) => {
      const telescope = await deps.telescopes.get(params.id);
      const ra = readRaHours(query.ra_hours);
      const dec = readDecDegrees(query.dec_degrees);
      if (typeof ra === 'string' || typeof dec === 'string')
        throw invalid({
          ...(typeof ra === 'string' ? { ra_hours: [COORDINATE_PROBLEMS[ra].en] } : {}),
          ...(typeof dec === 'string' ? { dec_degrees: [COORDINATE_PROBLEMS[dec].en] } : {}),
        });
      // Noon to noon at the site's longitude: the whole night lies inside.
      const offsetMs = (telescope.site.longitude_degrees / 15) * 3_600_000;
      const localNow = new Date(deps.now() + offsetMs - 12 * 3_600_000).toISOString().slice(0, 10);
      const noon = Date.parse(`${query.date ?? localNow}T12:00:00Z`) - offsetMs;
      const from = query.from ? Date.parse(query.from) : noon;
      const to = query.to ? Date.parse(query.to) : from + 86_400_000;
      if (to <= from || to - from > 48 * 3_600_000) throw invalid({ to: ['must be after from, by 48 hours at most'] });
      const step = Math.max(60, Math.ceil((to - from) / 1000 / 288 / 60) * 60);
      const result = {
        t: [] as number[],
        altitude: [] as number[],
        azimuth: [] as number[],
        hour_angle: [] as number[],
        horizon: [] as number[],
        sun_altitude: [] as number[],
      };
      for (let at = from; at <= to; at += step * 1000) {
        const { altitudeDegrees, azimuthDegrees } = altAz(telescope.site, ra, dec, at);
        result.t.push(Math.floor(at / 1000));
        result.altitude.push(round(altitudeDegrees));
        result.azimuth.push(round(azimuthDegrees));
        result.hour_angle.push(round(hourAngleHours(telescope.site, ra, dec, at), 3));
        result.horizon.push(round(horizonAltitude(telescope, azimuthDegrees)));
        result.sun_altitude.push(round(sunAltitudeDegrees(telescope.site, at)));
      }
      const constraints = {
        min_altitude_degrees: query.min_altitude_degrees,
        hour_angle_start_hours: query.hour_angle_start_hours,
        hour_angle_end_hours: query.hour_angle_end_hours,
      };
      const windows = usableWindows(telescope, { ra_hours: ra, dec_degrees: dec }, constraints, from, to);
      let best: { at: number; altitude: number } | null = null;
      result.t.forEach((t, i) => {
        if (
          result.sun_altitude[i]! <= telescope.night.sun_altitude_degrees &&
          (best === null || result.altitude[i]! > best.altitude)
        )
          best = { at: t * 1000, altitude: result.altitude[i]! };
      });
      const found = best as { at: number; altitude: number } | null;
      const moonAt = moon(telescope.site, ra, dec, found?.at ?? (from + to) / 2);
      return json({
        telescope_id: params.id,
        from: iso(from),
        to: iso(to),
        step_seconds: step,
        ...result,
        moon: {
          illuminated_share: round(moonAt.illuminatedShare, 3),
          separation_degrees: round(moonAt.separationDegrees, 1),
          altitude_degrees: round(moonAt.altitudeDegrees, 1),
        },
        windows: windows.map((w) => ({ start: iso(w.startMs), end: iso(w.endMs) })),
        best: found ? { at: iso(found.at), altitude_degrees: found.altitude } : null,
        minimum_altitude_degrees: query.min_altitude_degrees,
        sun_limit_degrees: telescope.night.sun_altitude_degrees,
      });
    },
  );

  const MaintenanceRow = z
    .object({
      id: z.string(),
      telescope_id: TelescopeId,
      from: Instant,
      to: Instant,
      reason: z.string(),
      bookings: z.enum(['hold', 'cancel']),
      ended_at: Instant.nullable(),
    })
    .meta({ id: 'MaintenanceWindow' });
  const MaintenanceEntered = MaintenanceRow.extend({
    affected: z.array(z.string()),
    gate_knows: z.boolean().describe('The gateway that guards the telescope has the window'),
    message: z.string().optional(),
  }).meta({ id: 'MaintenanceEntered' });
  const showMaintenance = (row: {
    id: string;
    telescopeId: string;
    fromAt: Date;
    toAt: Date;
    reason: string;
    bookings: string;
    endedAt: Date | null;
  }): object => ({
    id: row.id,
    telescope_id: row.telescopeId,
    from: row.fromAt.toISOString(),
    to: row.toAt.toISOString(),
    reason: row.reason,
    bookings: row.bookings,
    ended_at: row.endedAt?.toISOString() ?? null,
  });

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/telescopes/{id}/maintenance',
      id: 'startMaintenance',
      tag: 'Telescopes',
      summary: 'Take a telescope out of service for a while',
      description:
        '201 only when the gateway that guards the telescope has the window; its sessions hold or end within seconds. 202 means that it could not be told: it reads the window itself within ten seconds of being back.',
      guard: { scopes: ['telescopes:write'] },
      params: Id,
      body: Maintenance,
      answers: {
        201: {
          description:
            'Entered, and the telescope’s gate knows it: nothing is started inside the window; names the bookings inside',
          schema: MaintenanceEntered,
        },
        202: {
          description: 'Entered, and the telescope’s gate does not know yet: nobody goes in on the strength of this',
          schema: MaintenanceEntered,
        },
      },
      problems: ['in_progress', 'conflict'],
    },
    async ({ c, who, params, body }) => {
      await deps.telescopes.get(params.id);
      if (Date.parse(body.to) <= Date.parse(body.from)) throw invalid({ to: ['must be after from'] });
      return idempotent(deps, c, who, { id: params.id, body }, async () => {
        const row = await deps.db.$transaction(async (tx) => {
          const made = await tx.maintenance.create({
            data: {
              id: randomUUID(),
              telescopeId: params.id,
              fromAt: new Date(body.from),
              toAt: new Date(body.to),
              reason: body.reason,
              bookings: body.bookings,
            },
          });
          await tx.audit.create({
            data: {
              id: randomUUID(),
              at: new Date(deps.now()),
              actor: who.name,
              action: 'maintenance.start',
              telescopeId: params.id,
              data: { ...body },
            },
          });
          await publish(tx, { kind: 'control', what: 'maintenance.changed', data: { telescope_id: params.id } });
          return made;
        });
        const problem = await tellOfMaintenance(deps, params.id);
        const affected = await deps.db.booking.findMany({
          where: { telescopeId: params.id, occupies: true, startsAt: { lt: row.toAt }, endsAt: { gt: row.fromAt } },
          select: { id: true },
          orderBy: { startsAt: 'asc' },
        });
        const entered = { ...showMaintenance(row), affected: affected.map((b) => b.id) };
        return problem === null
          ? json({ ...entered, gate_knows: true }, 201)
          : json({ ...entered, gate_knows: false, message: problem }, 202);
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/telescopes/{id}/maintenance',
      id: 'listMaintenance',
      tag: 'Telescopes',
      summary: 'Maintenance windows, present and to come',
      guard: { scopes: ['telescopes:read', 'telescopes:write', 'admin:read'] },
      params: Id,
      answers: {
        200: {
          description: 'Windows',
          schema: z.object({ data: z.array(MaintenanceRow) }).meta({ id: 'MaintenanceList' }),
        },
      },
    },
    async ({ params }) => {
      await deps.telescopes.get(params.id);
      const rows = await deps.db.maintenance.findMany({
        where: { telescopeId: params.id, endedAt: null, toAt: { gt: new Date(deps.now()) } },
        orderBy: { fromAt: 'asc' },
      });
      return json({ data: rows.map(showMaintenance) });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'delete',
      path: '/api/telescopes/{id}/maintenance/{maintenance_id}',
      id: 'endMaintenance',
      tag: 'Telescopes',
      summary: 'End a maintenance window now',
      guard: { scopes: ['telescopes:write'] },
      params: Id.extend({ maintenance_id: z.string().max(64) }),
      answers: { 200: { description: 'Ended', schema: MaintenanceRow } },
    },
    async ({ who, params }) => {
      const row = await deps.db.maintenance.findUnique({ where: { id: params.maintenance_id } });
      if (!row || row.telescopeId !== params.id) throw new Problem('not_found', 'No such maintenance window.');
      const now = new Date(deps.now());
      const ended = await deps.db.$transaction(async (tx) => {
        const changed = await tx.maintenance.update({ where: { id: row.id }, data: { endedAt: row.endedAt ?? now } });
        await tx.audit.create({
          data: {
            id: randomUUID(),
            at: now,
            actor: who.name,
            action: 'maintenance.end',
            telescopeId: params.id,
            data: { id: row.id },
          },
        });
        await publish(tx, { kind: 'control', what: 'maintenance.changed', data: { telescope_id: params.id } });
        return changed;
      });
      await tellOfMaintenance(deps, params.id);
      return json(showMaintenance(ended));
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/telescopes/{id}/halt',
      id: 'haltTelescope',
      tag: 'Telescopes',
      summary: 'Halt everything that moves, at once',
      description:
        'For an operator in an emergency: `Abort{IsHalt: true}`. Needs neither database nor workflow service.',
      guard: { scopes: ['admin:write'], failOpen: true },
      params: Id,
      answers: { 200: { description: 'Confirmed', schema: Receipt }, 202: { description: 'Sent', schema: Receipt } },
      problems: ['gateway_away', 'control_refused'],
    },
    async ({ c, who, params }) => {
      const telescope = deps.telescopes.remembered(params.id) ?? (await deps.telescopes.get(params.id));
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'halt', params.id);
      const receipt = await deps.gateways.stop(telescope, 'halt', {
        command_id: commandId,
        requested_by: who.name,
        reason: 'operator_abort',
      });
      void deps.db
        .$transaction((tx) =>
          openReceipt(tx, {
            commandId,
            kind: 'halt',
            bookingId: null,
            telescopeId: telescope.id,
            requestedBy: who.name,
            at: new Date(deps.now()),
          }),
        )
        .then(() => settleReceipt(deps, commandId, receipt.state, receipt.reason ?? null, receipt.message ?? null))
        .catch(() => undefined);
      return receiptAnswer(deps, { ...receipt, command_id: commandId, kind: 'halt', telescope_id: telescope.id });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/telescopes/{id}/emergency-over',
      id: 'endEmergency',
      tag: 'Telescopes',
      summary: 'Voyager’s emergency is over, though nobody heard it say so',
      description:
        'While Voyager carries out an emergency nothing is sent to it. This ends that silence when its RESUME was missed; for an operator who has looked.',
      guard: { scopes: ['admin:write'] },
      params: Id,
      answers: {
        200: {
          description: 'Whether there was one',
          schema: z.object({ ended: z.boolean() }).meta({ id: 'EmergencyOver' }),
        },
      },
      problems: ['gateway_away'],
    },
    async ({ who, params }) => {
      const telescope = await deps.telescopes.get(params.id);
      await deps.db.audit.create({
        data: {
          id: randomUUID(),
          at: new Date(deps.now()),
          actor: who.name,
          action: 'emergency.over',
          telescopeId: telescope.id,
          data: {},
        },
      });
      return json({ ended: await deps.gateways.emergencyOver(telescope, who.name) });
    },
  );
}
