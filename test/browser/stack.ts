import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import webPush from 'web-push';
import type { Booking } from '../../domain/contracts/booking.ts';
import type { Event } from '../../domain/contracts/event.ts';
import { projectPath } from '../../platform/paths.ts';
import { ApiClient } from '../../stack/api-client.ts';
import { startStack, type Stack } from '../../stack/stack.ts';
import { highTarget } from '../../stack/targets.ts';

/** The compiled processes that the stack starts; `npm run build` makes them. */
export const BUILT =
  existsSync(projectPath('dist', 'api', 'main.js')) && existsSync(projectPath('dist', 'web', 'control.html'));
if (!BUILT) console.warn('SKIPPED: the browser tests on the whole stack need the build (npm run build).');

export const TELESCOPE = 'browser';
/** Seconds before its start at which a booking is prepared; everything else of the policy is that of `npm run night`. */
const PREPARE_LEAD = 5;

/** A real observatory in miniature: PostgreSQL, Temporal, simulator, gateway, worker and api, each a process of its own on free ports. */
export interface Observatory {
  stack: Stack;
  api: ApiClient;
  /** Page address of a booking with its token, and the token alone. */
  guest(bookingId: string): Promise<{ url: string; token: string }>;
  token(kind: 'user' | 'admin' | 'booking', subject: string, scopes?: string[]): Promise<string>;
  book(
    id: string,
    startMs: number,
    slotSeconds: number,
    shots: { filter: string; exposure_seconds: number; quantity: number }[],
  ): Promise<Booking>;
  booking(id: string): Promise<Booking>;
  /** Numbers of every stored event after `after`, as the API gives them. */
  storedAfter(token: string, id: string, after: number): Promise<number[]>;
  stop(): Promise<void>;
}

export async function startObservatory(
  env: NodeJS.ProcessEnv = {},
  { name = 'Browser observatory', camera = { width: 1024, height: 768 } } = {},
): Promise<Observatory> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nocturne-browser-'));
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  const lines: string[] = [];
  const outside = Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      /^(PATH|HOME|TMPDIR|LANG|TEMPORAL_CLI_PATH|NOCTURNE_.*)$/.test(name),
    ),
  );
  const stack = await startStack({
    dataDir,
    env: {
      ...outside,
      VAPID_PUBLIC_KEY: publicKey,
      VAPID_PRIVATE_KEY: privateKey,
      VAPID_SUBJECT: 'mailto:ops@example.org',
      SUPPORT_EMAIL: 'help@example.org',
      // The push service of these tests is on this machine.
      WEBHOOK_ALLOW_PRIVATE: 'true',
      PUSH_SERVICES: '127.0.0.1',
      ...env,
    },
    ports: 'free',
    report: (line) => lines.push(line),
    simulator: {
      seed: 8,
      camera,
      telescope: {
        id: TELESCOPE,
        name,
        policy: { prepare_lead: PREPARE_LEAD, check_interval: 5, turnaround_minutes: 0, minimum_useful_seconds: 5 },
        weather: { resume_debounce_seconds: 3 },
        credits_per_hour: 12,
      },
    },
  }).catch((thrown: unknown) => {
    rmSync(dataDir, { recursive: true, force: true });
    throw new Error(`the stack did not start:\n${lines.join('\n')}`, { cause: thrown });
  });
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { site } = await api.call<{
    site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
  }>('GET', `/api/telescopes/${TELESCOPE}`);
  const token: Observatory['token'] = async (kind, subject, scopes) =>
    (await api.call<{ token: string }>('POST', '/api/tokens', { kind, subject, ...(scopes ? { scopes } : {}) })).token;
  return {
    stack,
    api,
    token,
    guest: async (id) => {
      const made = await token('booking', id);
      return { url: `${stack.apiUrl}/control/${id}#token=${made}`, token: made };
    },
    book: (id, startMs, slotSeconds, shots) =>
      api.call<Booking>('PUT', `/api/bookings/${id}`, {
        telescope_id: TELESCOPE,
        start: new Date(startMs).toISOString(),
        end: new Date(startMs + slotSeconds * 1000).toISOString(),
        user: { ref: 'guest-8', display_name: 'Ada Guest', locale: 'en' },
        target: highTarget(site, startMs, startMs + slotSeconds * 1000),
        shots,
        credits: { charged: 10 },
      }),
    booking: (id) => api.call<Booking>('GET', `/api/bookings/${id}`),
    storedAfter: async (made, id, after) => {
      const seqs: number[] = [];
      for (let seen = after; ;) {
        const response = await fetch(`${stack.apiUrl}/api/bookings/${id}/events?after=${seen}&limit=200`, {
          headers: { authorization: `Bearer ${made}` },
        });
        const page = (await response.json()) as { data: Event[]; meta: { complete: boolean } };
        seqs.push(...page.data.map((event) => event.seq));
        seen = seqs.at(-1) ?? seen;
        if (page.meta.complete || page.data.length === 0) return seqs;
      }
    },
    stop: async () => {
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
