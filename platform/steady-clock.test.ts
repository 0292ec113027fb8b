import { describe, expect, test } from '@jest/globals';
import { ManualClock } from './clock.ts';
import { SteadyClock } from './steady-clock.ts';

class SetClock extends ManualClock {
  aheadMs = 0;
  override now(): number {
    return super.now() + this.aheadMs;
  }
}
const HOUR = 3_600_000;
function host(offset: () => number | null = () => null) {
  const inner = new SetClock();
  const start = inner.now();
  const steady = new SteadyClock(inner, offset);
  return {
    inner,
    steady,
    /** Milliseconds of the steady clock since the start. */
    passed: () => steady.now() - start,
    run: (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        inner.advance(1_000);
        steady.now();
      }
    },
  };
}

describe('steady clock', () => {
  test('follows the wall clock as it is slewed', () => {
    const { inner, passed, run } = host();
    for (let i = 0; i < 100; i++) {
      inner.aheadMs += 500;
      run(1);
    }
    expect(passed()).toBe(150_000);
  });
  test.each([2 * HOUR, -HOUR])('a clock that is set by %i ms and back again changes nothing', (jump) => {
    const { inner, passed, run } = host(() => 0);
    run(10);
    inner.aheadMs = jump;
    run(3);
    expect(passed()).toBe(13_000);
    inner.aheadMs = 0;
    run(10);
    expect(passed()).toBe(23_000);
  });
  test('a jump that lasts is followed when Voyager’s clock agrees, and only then', () => {
    let offset: number | null = null;
    const { inner, passed, run } = host(() => offset);
    inner.aheadMs = HOUR;
    run(600);
    expect(passed()).toBe(600_000);
    offset = 3_600;
    run(60);
    expect(passed()).toBe(660_000);
    offset = 0.4;
    run(1);
    expect(passed()).toBe(661_000 + HOUR);
  });
  test('Voyager’s word of before the jump is not asked', () => {
    const { inner, passed, run } = host(() => 0);
    inner.aheadMs = HOUR;
    run(59);
    expect(passed()).toBe(59_000);
  });
  test('where two clocks contradict each other, an end is reached when both are past it', () => {
    let offset: number | null = 7_200;
    const { steady, inner } = host(() => offset);
    expect(steady.witnessedNow()).toBe(inner.now() - 2 * HOUR);
    offset = -7_200;
    expect(steady.witnessedNow()).toBe(inner.now());
    offset = null;
    expect(steady.witnessedNow()).toBe(inner.now());
  });
});
