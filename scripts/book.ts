import { parseArgs } from 'node:util';
import type { Booking } from '../domain/contracts/booking.ts';
import { UsageError } from '../platform/errors.ts';
import { loadConfig, publicUrl } from '../platform/config.ts';
import { endWith } from '../platform/process.ts';
import { ApiClient, ApiError } from '../stack/api-client.ts';
import { DEMO_ID, siteOf } from '../stack/demo-slot.ts';
import { withStack } from '../stack/stack-file.ts';
import { highTarget } from '../stack/targets.ts';

const HELP = `npm run book -- --now [--minutes N] [--telescope ID] [--filter F] [--exposure SECONDS] [--id ID] [--json]
npm run book -- --at 2026-11-23T22:00:00Z [...]
Books a telescope through the API, as your shop would, and prints the link to its control page. With --now it begins in half a minute; a demo night
that is under way steps aside for it. The target is a well-known object that stands high. Ids are never used again, so each call makes a new one.
It finds the stack of npm start that runs here; elsewhere set PUBLIC_URL and VOYAGER_PROXY_API_KEY.`;

/** Time for the preparation before the slot begins. */
const LEAD_MS = 30_000;
/** A demo night that steps aside has ended within this time. */
const ASIDE_MS = 120_000;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function options() {
  const { values } = parseArgs({
    options: {
      now: { type: 'boolean', default: false },
      at: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      telescope: { type: 'string', default: DEMO_ID },
      filter: { type: 'string', default: 'L' },
      exposure: { type: 'string', default: '5' },
      id: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const above = (name: 'minutes' | 'exposure'): number => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new UsageError(`--${name}: "${values[name]}" is not a number above 0.`);
    return value;
  };
  if (values.now === (values.at !== undefined)) throw new UsageError(`Say --now, or --at with a time.\n${HELP}`);
  if (values.at !== undefined && !/T.*(Z|[+-]\d\d:?\d\d)$/.test(values.at))
    throw new UsageError(`--at: "${values.at}" has no offset; write 2026-11-23T22:00:00Z.`);
  return { ...values, minutes: above('minutes'), exposure: above('exposure') };
}

/** Puts the booking; while it is refused for a demo night that steps aside, again until that has ended. */
async function put(
  api: ApiClient,
  id: string,
  bodyAt: (startMs: number) => Record<string, unknown>,
  fixed: number | null,
): Promise<void> {
  let told = false;
  for (const deadline = Date.now() + ASIDE_MS; ;) {
    try {
      await api.call('PUT', `/api/bookings/${id}`, bodyAt(fixed ?? Date.now() + LEAD_MS));
      return;
    } catch (thrown) {
      const aside = thrown instanceof ApiError && thrown.status === 409 && stepsAside(thrown.body);
      if (!aside || Date.now() > deadline) throw thrown;
      if (!told) say('The demo night steps aside …');
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }
}
const stepsAside = (body: unknown): boolean =>
  (body as { conflict?: { steps_aside?: boolean } } | null)?.conflict?.steps_aside === true;

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(`${HELP}\n`);
  const wanted = options();
  const { env } = withStack();
  const config = loadConfig(env);
  if (!config.VOYAGER_PROXY_API_KEY)
    throw new UsageError(
      'Nothing runs here; start the demo with npm start, or set PUBLIC_URL and VOYAGER_PROXY_API_KEY.',
    );
  const api = new ApiClient(publicUrl(config), config.VOYAGER_PROXY_API_KEY);
  const site = await siteOf(api, wanted.telescope, Date.now());
  const id = wanted.id ?? `mine-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
  const spanMs = wanted.minutes * 60_000;
  const fixed = wanted.at === undefined ? null : Date.parse(wanted.at);
  await put(
    api,
    id,
    (startMs) => ({
      telescope_id: wanted.telescope,
      start: new Date(startMs).toISOString(),
      end: new Date(startMs + spanMs).toISOString(),
      user: { ref: 'me', locale: 'en' },
      target: highTarget(site, startMs, startMs + spanMs),
      shots: [
        {
          filter: wanted.filter,
          exposure_seconds: wanted.exposure,
          quantity: Math.max(1, Math.floor((spanMs / 1000 - 30) / (wanted.exposure + 3))),
        },
      ],
    }),
    fixed,
  );
  const booking = await api.call<Booking>('GET', `/api/bookings/${id}`);
  const token = await api.call<{ control_url: string | null }>('POST', '/api/tokens', { kind: 'booking', subject: id });
  if (wanted.json)
    process.stdout.write(
      `${JSON.stringify({ id, start: booking.start, end: booking.end, control_url: token.control_url })}\n`,
    );
  else
    process.stdout.write(
      `Booking ${id}: ${booking.target.name}, from ${booking.start} to ${booking.end}.\nWatch it: ${token.control_url}\n`,
    );
}

main().catch((thrown: unknown) =>
  endWith(
    thrown instanceof ApiError || (thrown as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
      ? new UsageError((thrown as Error).message)
      : thrown,
  ),
);
