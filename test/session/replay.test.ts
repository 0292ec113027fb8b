import { beforeAll, describe, expect, test } from '@jest/globals';
import { Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { workflowsPath } from '../../worker/options.ts';
import { bundleOf } from '../support/bundle.ts';
import { quietLogger, recordedHistories, replayAll, replayAsleep } from './histories.ts';

type Recorded = ReturnType<typeof recordedHistories>[number];
interface JsonEvent {
  eventId: string;
  eventType: string;
  [attributes: string]: unknown;
}
const eventsOf = (json: unknown): JsonEvent[] => (json as { events: JsonEvent[] }).events;

/** The phase that an event writes into the search attributes; null when it writes none. */
function phaseOf(event: JsonEvent): string | null {
  const fields = (
    event.upsertWorkflowSearchAttributesEventAttributes as
      | { searchAttributes?: { indexedFields?: Record<string, { data: string }> } }
      | undefined
  )?.searchAttributes?.indexedFields;
  const data = fields?.SessionPhase?.data;
  return data ? (JSON.parse(Buffer.from(data, 'base64').toString()) as string) : null;
}
/** The history as it stands while the session waits in a phase: up to the last command of the last workflow task in it. */
function asleepIn(phase: string, { json }: Recorded): unknown {
  const events = eventsOf(json);
  let now: string | null = null;
  let cut = -1;
  for (const [i, event] of events.entries()) {
    const next = phaseOf(event);
    if (next) now = next;
    const ends =
      events[i + 1]?.eventType === 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED' ||
      events[i + 1]?.eventType === 'EVENT_TYPE_TIMER_FIRED' ||
      events[i + 1]?.eventType === 'EVENT_TYPE_ACTIVITY_TASK_STARTED';
    const asleep =
      event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED' ||
      'workflowTaskCompletedEventId' in (Object.values(event).find((v) => typeof v === 'object' && v !== null) ?? {});
    if (now === phase && ends && asleep) cut = i;
  }
  return cut < 0 ? null : { ...(json as object), events: events.slice(0, cut + 1) };
}

/** So many histories a phase are woken by `npm test`, spread over all that have it; `npm run verify` wakes each. */
const DAILY_WAKES = 8;
function ofTheDay<T>(all: T[]): T[] {
  const stride = process.env.NOCTURNE_LONG === '1' ? 1 : Math.max(1, all.length / DAILY_WAKES);
  return all.filter((_, n) => Math.floor(n / stride) !== Math.floor((n - 1) / stride));
}

let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: quietLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  bundle = await bundleOf(workflowsPath());
}, 120_000);

describe('replay gate', () => {
  test('every recorded history replays with the workflow code of today', async () => {
    const recorded = recordedHistories();
    expect(recorded.length).toBeGreaterThanOrEqual(8);
    const { replayed, failed } = await replayAll(
      bundle,
      recorded.map(({ name, json }) => ({ workflowId: name, history: json })),
    );
    expect(failed).toEqual({});
    expect(replayed).toBe(recorded.length);
  }, 600_000);

  test('a history with another command is caught', async () => {
    const { name, json } = recordedHistories().find((h) => h.name === 'quiet')!;
    const changed = JSON.parse(
      JSON.stringify(json).replaceAll('"name":"enableTarget"', '"name":"openRoof"'),
    ) as unknown;
    const { failed } = await replayAll(bundle, [{ workflowId: name, history: changed }]);
    expect(failed[name]).toMatch(/nondeterminism|does not match/i);
  }, 30_000);

  test('the session changed by one command without a patch makes the gate fail, for every recorded session', async () => {
    const changed = await bundleOf(fileURLToPath(new URL('./changed-workflows.ts', import.meta.url)));
    const sessions = ofTheDay(
      recordedHistories().filter(({ json }) => JSON.stringify(eventsOf(json)[0]).includes('"name":"session"')),
    );
    expect(sessions.length).toBeGreaterThanOrEqual(8);
    const { failed } = await replayAll(
      changed,
      sessions.map(({ name, json }) => ({ workflowId: name, history: json })),
    );
    expect(Object.keys(failed).sort()).toEqual(sessions.map((s) => s.name).sort());
    for (const message of Object.values(failed)) expect(message).toMatch(/nondeterminism|does not match/i);
  }, 600_000);

  test.each(['scheduled', 'preparing', 'prepared', 'starting', 'running', 'holding', 'finalising'])(
    'a session asleep in %s wakes with the code of today',
    async (phase) => {
      const asleep = ofTheDay(
        recordedHistories().flatMap((recorded) => {
          const history = asleepIn(phase, recorded);
          return history ? [{ workflowId: recorded.name, history }] : [];
        }),
      );
      expect(asleep.length).toBeGreaterThan(0);
      expect(await replayAsleep(bundle, asleep)).toEqual({ replayed: asleep.length, failed: {} });
    },
    600_000,
  );

  test.each([
    'upsertWorkflowSearchAttributes: { searchAttributes: { indexedFields: {} } }',
    'startTimer: { seq: 999, startToFireTimeout: { seconds: 9 } }',
  ])(
    'one command more at the end of the last task of a session asleep is noticed: %s',
    async (command) => {
      const start = 'async function session(input) {';
      expect(bundle.code.split(start)).toHaveLength(2);
      const later = `(async () => { for (let i = 0; i < 200; i++) await null; globalThis.__TEMPORAL_ACTIVATOR__.pushCommand({ ${command} }); })();`;
      const more = { ...bundle, code: bundle.code.replace(start, `${start} ${later}`) };
      const { name, json } = recordedHistories().find((h) => h.name === 'quiet')!;
      const events = eventsOf(json);
      const second = events.findIndex((e, i) => i > 3 && e.eventType === 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED');
      const asleep = [{ workflowId: name, history: { ...(json as object), events: events.slice(0, second) } }];
      expect(await replayAsleep(bundle, asleep)).toEqual({ replayed: 1, failed: {} });
      expect((await replayAsleep(more, asleep)).failed[name]).toMatch(/nondeterminism/i);
    },
    60_000,
  );
});
