import type { Context } from 'hono';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { AppEnv } from '../guard.ts';
import { json, type App } from '../operation.ts';
import { isPresence, isTarget, verifyHttpRequest } from './protocol.ts';
import type { LiveServer } from './server.ts';

/** Pusher's own limits. */
const MAX_DATA_BYTES = 10 * 1024;
const MAX_CHANNELS = 100;
const MAX_BATCH = 10;

const Channel = z.string().refine(isTarget, 'is no name of a channel');
const Trigger = z.object({
  name: z.string().min(1).max(200),
  data: z.string(),
  channels: z.array(Channel).min(1).optional(),
  channel: Channel.optional(),
  socket_id: z
    .string()
    .regex(/^\d+\.\d+$/)
    .optional()
    .nullable(),
  info: z.string().optional(),
});
const Batch = z.object({ batch: z.array(Trigger.extend({ channel: Channel })) });

const plain = (message: string, status: number): Response =>
  new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });

type Handler = (live: LiveServer, ask: { c: Context<AppEnv>; body: string; url: URL }) => Promise<Response> | Response;

/** What the body says, or the answer to a body that says nothing right. */
function parse<T>(schema: z.ZodType<T>, body: string): T | Response {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return plain('The body is not valid JSON', 400);
  }
  const parsed = schema.safeParse(value);
  return parsed.success
    ? parsed.data
    : plain(`${parsed.error.issues[0]!.path.join('.')}: ${parsed.error.issues[0]!.message}`, 400);
}
const tooLarge = (data: string): boolean => Buffer.byteLength(data) > MAX_DATA_BYTES;
const dataTooLarge = (): Response =>
  plain(`The data content of this event exceeds the allowed maximum (${MAX_DATA_BYTES} bytes)`, 413);
const infoOf = (text: string | null | undefined): Set<string> => new Set((text ?? '').split(',').filter(Boolean));
const attributes = (live: LiveServer, channel: string, count: number, info: Set<string>): Record<string, number> => ({
  ...(info.has('subscription_count') ? { subscription_count: count } : {}),
  ...(info.has('user_count') && isPresence(channel) ? { user_count: live.presence.members(channel).size } : {}),
});
async function describe(
  live: LiveServer,
  channels: string[],
  info: Set<string>,
): Promise<Record<string, Record<string, number>>> {
  const counts = await live.replicas.counts('');
  return Object.fromEntries(
    channels.map((channel) => [channel, attributes(live, channel, counts.get(channel) ?? 0, info)]),
  );
}

const trigger: Handler = async (live, { body }) => {
  const event = parse(Trigger, body);
  if (event instanceof Response) return event;
  const channels = event.channels ?? (event.channel ? [event.channel] : []);
  if (channels.length === 0) return plain('channels: is required', 400);
  if (channels.length > MAX_CHANNELS) return plain(`At most ${MAX_CHANNELS} channels at once`, 400);
  if (tooLarge(event.data)) return dataTooLarge();
  live.replicas.trigger(channels, event.name, event.data, event.socket_id ?? undefined);
  const info = infoOf(event.info);
  return json(info.size > 0 ? { channels: await describe(live, channels, info) } : {});
};
const triggerBatch: Handler = async (live, { body }) => {
  const parsed = parse(Batch, body);
  if (parsed instanceof Response) return parsed;
  if (parsed.batch.length > MAX_BATCH) return plain(`Batch too large (> ${MAX_BATCH})`, 400);
  if (parsed.batch.some((event) => tooLarge(event.data))) return dataTooLarge();
  for (const event of parsed.batch)
    live.replicas.trigger([event.channel], event.name, event.data, event.socket_id ?? undefined);
  if (!parsed.batch.some((event) => event.info)) return json({});
  const counts = await live.replicas.counts('');
  return json({
    batch: parsed.batch.map((event) =>
      attributes(live, event.channel, counts.get(event.channel) ?? 0, infoOf(event.info)),
    ),
  });
};
const listChannels: Handler = async (live, { url }) => {
  const prefix = url.searchParams.get('filter_by_prefix') ?? '';
  const info = infoOf(url.searchParams.get('info'));
  if (info.has('user_count') && !prefix.startsWith('presence-'))
    return plain('user_count may be asked for presence channels only (filter_by_prefix=presence-)', 400);
  const counts = await live.replicas.counts(prefix);
  return json({
    channels: Object.fromEntries(
      [...counts].filter(([, n]) => n > 0).map(([channel, n]) => [channel, attributes(live, channel, n, info)]),
    ),
  });
};
const showChannel: Handler = async (live, { c, url }) => {
  const channel = c.req.param('channel') ?? '';
  const info = infoOf(url.searchParams.get('info'));
  if (info.has('user_count') && !isPresence(channel))
    return plain('user_count may be asked for presence channels only', 400);
  const count = (await live.replicas.counts(channel)).get(channel) ?? 0;
  const cached = info.has('cache') ? live.hub.cache.get(channel) : undefined;
  return json({
    occupied: count > 0,
    ...attributes(live, channel, count, info),
    ...(cached ? { cache: { data: (JSON.parse(cached) as { data: string }).data, ttl: 0 } } : {}),
  });
};
const listUsers: Handler = (live, { c }) => {
  const channel = c.req.param('channel') ?? '';
  if (!isPresence(channel)) return plain('Users may be asked for presence channels only', 400);
  return json({ users: [...live.presence.members(channel).keys()].map((id) => ({ id })) });
};
const terminateUser: Handler = (live, { c }) => {
  live.replicas.terminateUser(c.req.param('user') ?? '');
  return json({});
};

/** Pusher's HTTP API, so that Laravel (or any Pusher server library) pushes to pages through us. */
export function liveHttpRoutes(app: App, deps: Deps): void {
  const { live } = deps;
  const guarded =
    (run: Handler) =>
    async (c: Context<AppEnv>): Promise<Response> => {
      if (c.req.param('app') !== deps.config.PUSHER_APP_ID) return plain('Unknown app', 404);
      const body = await c.req.text();
      const url = new URL(c.req.url);
      const wrong = verifyHttpRequest(
        live.key,
        live.secret,
        c.req.method,
        url.pathname,
        url.searchParams,
        body,
        deps.now(),
      );
      return wrong === null ? run(live, { c, body, url }) : plain(wrong, 401);
    };

  app.post('/apps/:app/events', guarded(trigger));
  app.post('/apps/:app/batch_events', guarded(triggerBatch));
  app.get('/apps/:app/channels', guarded(listChannels));
  app.get('/apps/:app/channels/:channel', guarded(showChannel));
  app.get('/apps/:app/channels/:channel/users', guarded(listUsers));
  app.post('/apps/:app/users/:user/terminate_connections', guarded(terminateUser));
}
