import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { projectPath, projectRoot } from '../../platform/paths.ts';
import { cleanUp, otherDialect } from './harness.ts';

afterAll(cleanUp);

/** Whole nights through the real processes take minutes: only in the long form (NOCTURNE_LONG=1). */
const LONG = process.env.NOCTURNE_LONG === '1';

(LONG ? describe : describe.skip)('a whole night', () => {
  test('in a dialect in which every name, the signing, the times and the angles differ ends as in the shipped one', () => {
    const night = spawnSync(
      process.execPath,
      [projectPath('scripts', 'run.mjs'), 'night', '--json', '--bookings', '1', '--shots', '2', '--exposure', '1'],
      {
        cwd: projectRoot,
        env: { ...process.env, NODE_OPTIONS: '', VOYAGER_ROBOTARGET_DIALECT: otherDialect() },
        encoding: 'utf8',
      },
    );
    expect(night.status).toBe(0);
    expect(JSON.parse(night.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      ok: true,
      bookings: [
        { phase: 'completed', reason: 'plan_finished', frames: { expected: 2, archived: 2, rejected: 0, missing: 0 } },
      ],
    });
  }, 600_000);
});
