import { describe, expect, test } from '@jest/globals';
import { soak } from '../../scripts/soak.ts';

const LONG = process.env.NOCTURNE_LONG === '1';

describe('soak', () => {
  const cases: [hours: number, seed: number, disconnects: number][] = LONG
    ? [
        [48, 1, 200],
        [48, 2, 200],
      ]
    : [[6, 1, 25]];
  for (const [hours, seed, disconnects] of cases)
    test(
      `${hours} h of protocol time, seed ${seed}: no heartbeat missed, every mode restored, nothing sent twice, every frame accounted for`,
      async () => {
        const result = await soak(hours, seed);
        expect(result).toMatchObject({
          ok: true,
          disconnects,
          heartbeats: { missed: 0 },
          modes: { missing: 0 },
          commands: { repeated: 0, contradicted: 0 },
          frames: { unaccounted: 0 },
          bad_lines: 0,
        });
        expect(result.heartbeats.longest_silence_s).toBe(5);
        expect(result.modes.restored).toBe(result.reconnects + 1);
        expect(result.frames.by_list).toBeGreaterThan(0);
      },
      LONG ? 900_000 : 240_000,
    );
});
