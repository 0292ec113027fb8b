/** After the last test file: the shared server ends, the run's folder goes. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const lives = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

export default async function teardown() {
  const folder = process.env.NOCTURNE_TEST_RUN;
  const file = join(folder, 'keeper.pid');
  if (existsSync(file)) {
    const keeper = Number(readFileSync(file, 'utf8'));
    if (lives(keeper)) process.kill(keeper, 'SIGTERM');
    for (let tries = 0; lives(keeper) && tries < 200; tries++) await wait(50);
  }
  rmSync(folder, { recursive: true, force: true });
}
