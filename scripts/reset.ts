import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { loadConfig } from '../platform/config.ts';
import { projectPath } from '../platform/paths.ts';
import { answerHelp } from './help.ts';

answerHelp(`npm run reset [-- --yes]
Removes the data folder DATA_DIR (.data): demo, embedded database, archived frames. Stops nothing, and refuses while something of it runs; asks
before, unless --yes is given.`);
const dataDir = resolve(projectPath(), loadConfig().DATA_DIR);

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Processes that still use this folder: those of the demo's own list, and PostgreSQL's lock files. */
function inUse(): string[] {
  const found: string[] = [];
  try {
    const demo = JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as {
      pids?: Record<string, number | null>;
    };
    for (const [name, pid] of Object.entries(demo.pids ?? {})) if (pid && lives(pid)) found.push(`${name} (${pid})`);
  } catch {
    // No demo has run here, or it stopped in order.
  }
  for (const folder of ['.', 'sandbox'])
    try {
      const supervisor = Number(readFileSync(join(dataDir, folder, 'supervisor.pid'), 'utf8'));
      if (supervisor && lives(supervisor)) found.push(`supervisor (${supervisor})`);
    } catch {
      // None is running.
    }
  const nights = join(dataDir, 'nights');
  const folders = [dataDir, ...(existsSync(nights) ? readdirSync(nights).map((name) => join(nights, name)) : [])];
  for (const folder of folders) {
    try {
      const pid = Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
      if (pid && lives(pid) && !found.some((line) => line.endsWith(`(${pid})`))) found.push(`postgres (${pid})`);
    } catch {
      // No server there.
    }
  }
  return found;
}

async function agreed(): Promise<boolean> {
  if (process.argv.includes('--yes')) return true;
  if (!process.stdin.isTTY) {
    console.error('Nothing was removed: there is nobody to ask; give --yes.');
    process.exitCode = 2;
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Remove ${dataDir} with its database and archived frames? Type "yes": `);
  terminal.close();
  return answer.trim() === 'yes';
}

if (!existsSync(dataDir)) console.log(`There is no ${dataDir}.`);
else {
  const running = inUse();
  if (running.length > 0) {
    console.error(`Still running on ${dataDir}: ${running.join(', ')}. Stop it first.`);
    process.exitCode = 1;
  } else if (await agreed()) {
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
    console.log(`Removed ${dataDir}.`);
  }
}
