import { expect, test } from '@jest/globals';
import { Attempts } from '../../gateway/telescope/attempts.ts';
import { Watchdog } from '../../gateway/telescope/watchdog.ts';
import { ManualClock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { SteadyClock } from '../../platform/steady-clock.ts';

/** The watchdog and its attempts alone; what they do to a telescope stands in safety.test.ts. */

const broken = (): never => {
  throw new Error('broken');
};
function watchdog(faults: readonly string[]): { beat: () => void; kept: string[] } {
  const kept: string[] = [];
  const promise = (what: string) => (): never[] => {
    if (faults.includes(what)) broken();
    kept.push(what);
    return [];
  };
  const clock = new SteadyClock(new ManualClock(), () => null);
  const parts = {
    grants: { active: promise('slots'), current: () => [] },
    aborts: { keep: promise('latches') },
    weatherLatch: { overdue: promise('weather') },
    weather: { weather: { state: 'ok' } },
    emergency: { current: null },
    borrowed: { all: promise('loans') },
    attempts: new Attempts(clock),
    telemetry: { sample: promise('sample'), publish: promise('publish') },
    contested: () => false,
    begun: () => true,
  };
  const here = {
    id: 'demo',
    readOnly: false,
    clock,
    logger: createLogger('test', 'silent'),
    telescope: () => ({ policy: { grace_seconds: 0 }, weather: { session_patience_seconds: 120 } }),
    ready: () => true,
    whyAway: () => null,
  };
  const made = new Watchdog(here as unknown as ConstructorParameters<typeof Watchdog>[0], parts as never);
  return { beat: () => made.beat(), kept };
}
const PROMISES = ['slots', 'latches', 'weather', 'loans', 'sample', 'publish'];

test.each(PROMISES)('a fault in "%s" keeps the watchdog from none of its other promises', (fault) => {
  const { beat, kept } = watchdog([fault]);
  beat();
  beat();
  const others = PROMISES.filter((what) => what !== fault);
  expect(kept).toEqual([...others, ...others]);
});

test('an attempt begins in the turn that asks for it, runs once at a time, and is due again an interval after its end', async () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  let begun = 0;
  let end!: () => void;
  expect(attempts.due('stop', 1_000)).toBe(true);
  const running = attempts.run('stop', () => {
    begun += 1;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  expect(begun).toBe(1);
  clock.advance(5_000);
  expect(attempts.due('stop', 1_000)).toBe(false);
  end();
  await running;
  expect(attempts.due('stop', 1_000)).toBe(false);
  clock.advance(1_000);
  expect(attempts.due('stop', 1_000)).toBe(true);
});
