import {
  condition,
  defineSignal,
  proxyActivities,
  setHandler,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../domain/queues.ts';

/** How much a workflow does: what the events of its history count. */
export interface Load {
  telescope: number;
  rows: number;
  timers: number;
  signals: number;
  upserts: number;
}
export interface BareInput {
  id: string;
  load: Load;
  child: Load;
}
export interface BareActivities {
  /** One step at the telescope; `nudge` asks for the next signal once it is done. */
  step(input: { id: string; nudge: boolean }): Promise<void>;
  row(): Promise<void>;
}

const options = { startToCloseTimeout: '1 minute' } as const;
const telescope = proxyActivities<Pick<BareActivities, 'step'>>({ ...options, taskQueue: 'bare-telescope' });
const rows = proxyActivities<Pick<BareActivities, 'row'>>(options);
export const nudgeSignal = defineSignal('nudge');

/** The parts of `total` that fall to each of `rounds`, as even as whole numbers allow. */
const share = (total: number, rounds: number, round: number): number =>
  Math.floor((total * (round + 1)) / rounds) - Math.floor((total * round) / rounds);

/**
 * As many activities, timers, signals and upserts as a session of the same bench has, and nothing else: steps at the telescope between two
 * signals, rows written behind their back, a timer at each wait.
 */
export async function bare({ id, load, child }: BareInput): Promise<void> {
  let nudges = 0;
  setHandler(nudgeSignal, () => {
    nudges++;
  });
  const rounds = load.signals + 1;
  const writing = writeRows(load.rows);
  for (let round = 0; round < rounds; round++) {
    for (let n = share(load.upserts, rounds, round); n > 0; n--) upsert(id, round);
    const steps = share(load.telescope, rounds, round);
    for (let n = 1; n <= steps; n++) await telescope.step({ id, nudge: n === steps && round < load.signals });
    if (round === load.signals) break;
    const timers = share(load.timers, load.signals, round);
    for (let n = 1; n < timers; n++) await condition(() => false, 1);
    await (timers > 0 ? condition(() => nudges > round, '5 minutes') : condition(() => nudges > round));
  }
  const wrapping = await startChild(bareChild, { workflowId: `child-${id}`, args: [{ id, load: child }] });
  await Promise.all([writing, wrapping.result()]);
}

export async function bareChild({ id, load }: { id: string; load: Load }): Promise<void> {
  for (let n = 0; n < load.upserts; n++) upsert(id, n);
  for (let n = 0; n < load.telescope; n++) await telescope.step({ id, nudge: false });
  await writeRows(load.rows);
}

async function writeRows(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await rows.row();
}
function upsert(id: string, n: number): void {
  upsertSearchAttributes([
    { key: SEARCH_ATTRIBUTES.phase, value: `phase-${n}` },
    { key: SEARCH_ATTRIBUTES.start, value: new Date(0) },
    { key: SEARCH_ATTRIBUTES.bookingId, value: id },
    { key: SEARCH_ATTRIBUTES.telescopeId, value: 'bare' },
  ]);
}
