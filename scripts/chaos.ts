import { parseArgs } from 'node:util';
import { UsageError, toError } from '../platform/errors.ts';
import { stopWithParent } from '../stack/supervisor.ts';
import {
  approach,
  begin,
  CYCLE_SECONDS,
  killAndWait,
  PREPARATION_SECONDS,
  say,
  untilPhase,
  waitForTheEnd,
  type Night,
} from './chaos/night.ts';
import { outcomeOf } from './chaos/outcome.ts';
import {
  compareNights,
  killPlan,
  killsText,
  median,
  mostRecoverySeconds,
  type KillStep,
  type Victim,
} from './chaos/plan.ts';

const HELP = `npm run chaos -- [--json] [--kills N] [--seed S]
A simulated night while gateway, worker, api, simulator, Temporal and PostgreSQL are killed with SIGKILL, beside the same night undisturbed.
The seed fixes who is killed, after which pause and at which point of the night; the two outcomes must be equal (docs/chaos.md).
  --kills N   how often (30)
  --seed S    seed of the plan and of sky and noise (1)
Exit code 0 when the outcomes are equal and every recovery took at most 30 s, or twice the start of the whole stack where that is more.`;

function options(): { json: boolean; kills: number; seed: number } {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      kills: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    process.exit(0);
  }
  const whole = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new UsageError(`--${name}: "${text}" is not a whole number of at least ${least}.`);
    return value;
  };
  return { json: values.json, kills: whole('kills', values.kills, 1), seed: whole('seed', values.seed, 0) };
}

interface Struck {
  killed: Partial<Record<Victim, number>>;
  /** Seconds of each. */
  recoveries: number[];
}
/** Carries the plan out, step by step. */
async function strikeAll(wild: Night, plan: readonly KillStep[]): Promise<Struck> {
  const killed: Partial<Record<Victim, number>> = {};
  const recoveries: number[] = [];
  const strike = async (step: KillStep): Promise<void> => {
    const seconds = await killAndWait(wild, step.victim);
    recoveries.push(seconds);
    killed[step.victim] = (killed[step.victim] ?? 0) + 1;
    say(
      `kill ${recoveries.length} of ${plan.length}: ${step.victim}${step.at === 'any' ? '' : ` (${step.at})`}, working again after ${seconds.toFixed(1)} s`,
    );
  };
  const last = plan.find((step) => step.at === 'finalising');
  // The session may be over before all its kills are: the one that strikes the wrapping up does not wait for its turn.
  const wrappingUp = last ? untilPhase(wild, 'finalising') : new Promise<void>(() => undefined);
  let struck = !last;
  for (const step of plan.filter((s) => s !== last)) {
    const ready = approach(wild, step);
    if (!struck && (await Promise.race([ready.then(() => false), wrappingUp.then(() => true)]))) {
      struck = true;
      await strike(last!);
    }
    await ready;
    await strike(step);
  }
  if (!struck) {
    await wrappingUp;
    await strike(last!);
  }
  return { killed, recoveries };
}

async function main(): Promise<number> {
  const { json, kills, seed } = options();
  const began = Date.now();
  const plan = killPlan(seed, kills);
  // Room for each pause and a quick recovery; a plan of shots that fills half of it leaves room for the slow ones.
  const slotSeconds = Math.ceil(PREPARATION_SECONDS + plan.reduce((sum, step) => sum + step.pauseSeconds + 11, 0));
  const shots = Math.max(2, Math.floor((slotSeconds - PREPARATION_SECONDS) / 2 / CYCLE_SECONDS));

  const nights: Night[] = [];
  const stopAll = async (): Promise<void> => {
    await Promise.all(
      nights.map((night) => Promise.allSettled([night.db.$disconnect(), night.temporal.connection.close()])),
    );
    await Promise.all(nights.map((night) => night.stack.stop()));
  };
  const letGo = stopWithParent((reason) => {
    say(`Stopping (${reason}) …`);
    void stopAll().finally(() => process.exit(130));
  });
  try {
    say(`${kills} kills in a slot of ${slotSeconds} s with ${shots} shots, beside an undisturbed night.`);
    const quiet = await begin('quiet', seed, slotSeconds, shots);
    nights.push(quiet);
    const wild = await begin('killed', seed, slotSeconds, shots);
    nights.push(wild);

    const { killed, recoveries } = await strikeAll(wild, plan);
    await Promise.all([waitForTheEnd(quiet), waitForTheEnd(wild)]);
    const down = recoveries.reduce((sum, seconds) => sum + seconds, 0);
    const differences = compareNights(await outcomeOf(quiet), await outcomeOf(wild), down);
    const bound = mostRecoverySeconds(quiet.startedSeconds, wild.startedSeconds);
    const summary = {
      kills: recoveries.length,
      killed,
      max_recovery_s: Math.round(Math.max(...recoveries) * 10) / 10,
      recovery_bound_s: Math.round(bound),
      median_recovery_s: Math.round(median(recoveries) * 10) / 10,
      equal_to_undisturbed: differences.length === 0,
      differences,
      seed,
      down_s: Math.round(down),
      wall_seconds: Math.round((Date.now() - began) / 1000),
    };
    process.stdout.write(`${json ? JSON.stringify(summary) : killsText(summary)}\n`);
    return differences.length === 0 && summary.max_recovery_s <= bound ? 0 : 1;
  } finally {
    await stopAll();
    letGo();
  }
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    say(thrown instanceof UsageError ? thrown.message : (toError(thrown).stack ?? String(thrown)));
    process.exit(thrown instanceof UsageError ? 2 : 1);
  },
);
