import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive } from '../../activities/alive.ts';

test('an activity of one long step shows that it lives, with its arguments, its result and its own signs as they are, and stops when it ends', async () => {
  const env = new MockActivityEnvironment();
  let signs = 0;
  env.on('heartbeat', () => (signs += 1));
  const { pack } = alive({ pack: async (name: string, ms: number) => sleep(ms).then(() => `${name} packed`) }, 10);
  expect(await env.run(pack, 'night', 200)).toBe('night packed');
  expect(signs).toBeGreaterThanOrEqual(5);
  const atEnd = signs;
  await sleep(50);
  expect(signs).toBe(atEnd);
});

test('one that fails fails as it did, and gives no further sign', async () => {
  const env = new MockActivityEnvironment();
  let signs = 0;
  env.on('heartbeat', () => (signs += 1));
  const { fail } = alive({ fail: async () => Promise.reject(new Error('the share is away')) }, 10);
  await expect(env.run(fail)).rejects.toThrow('the share is away');
  const atEnd = signs;
  await sleep(50);
  expect(signs).toBe(atEnd);
});
