import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes that stay; one that was ended takes a moment to go on a busy machine. */
export async function leftOver(dataDir: string): Promise<number> {
  for (let tries = 0; tries < 20 && countProcesses(dataDir) > 0; tries++) await sleep(250);
  return countProcesses(dataDir);
}
/** Processes other than this one that still work on the night's data folder. */
function countProcesses(dataDir: string): number {
  let found = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${entry}/status`, 'utf8'))) continue;
      if (
        readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(dataDir) ||
        readFileSync(`/proc/${entry}/environ`, 'utf8').includes(`DATA_DIR=${dataDir}`)
      )
        found++;
    } catch {
      /* gone, or not ours to see */
    }
  }
  return found;
}
