import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

jest.setTimeout(240_000);

const SHOTS = 4;
const EXPOSURE_SECONDS = 1.5;

interface Summary {
  ok: boolean;
  bookings: {
    id: string;
    phase: string;
    workflow_id: string;
    history_events: number;
    set_guid: string;
    target_guid: string;
    shots_planned: number;
    timeline: { at: string; event: string }[];
    frames: Record<'expected' | 'captured' | 'archived' | 'previewed' | 'rejected' | 'missing', number>;
    report_path: string;
    archive_path: string;
  }[];
  voyager: { commands: number; repeated_with_effect: number };
  frame_to_preview_ms: { p50: number; p95: number };
  orphans: number;
}
interface Run {
  code: number | null;
  summary: Summary;
  progress: string;
  killedWorkers: number;
}

/** Pid of the worker that this night started: the child whose entry file it is. */
function workerOf(night: number): number | null {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1]);
      if (parent === night && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('dist/worker/main.js'))
        return Number(entry);
    } catch {
      // It ended while we looked.
    }
  }
  return null;
}

/** A night through the command itself; with `killWorker` the worker gets SIGKILL once the first frame has come in. */
function night(killWorker: boolean): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        projectPath('scripts', 'run.mjs'),
        'night',
        '--json',
        '--shots',
        String(SHOTS),
        '--exposure',
        String(EXPOSURE_SECONDS),
      ],
      {
        cwd: projectPath(),
        env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production', SMTP_URL: '', WEBHOOK_URL: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let progress = '';
    let killedWorkers = 0;
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      progress += chunk.toString();
      if (!killWorker || killedWorkers > 0 || !/running, [1-9]\d* frames/.test(progress)) return;
      const worker = workerOf(child.pid!);
      if (worker === null) return;
      process.kill(worker, 'SIGKILL');
      killedWorkers++;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const last = output.trim().split('\n').at(-1) ?? '';
      try {
        resolve({ code, summary: JSON.parse(last) as Summary, progress, killedWorkers });
      } catch {
        reject(new Error(`the night left no summary (exit ${code}):\n${progress.slice(-4_000)}`));
      }
    });
  });
}

/** Daily one night, whose worker is killed; the long form plays an undisturbed one beside it. */
const LONG = process.env.NOCTURNE_LONG === '1';
let killed: Run;
beforeAll(async () => {
  killed = await night(true);
});

describe('npm run night, with the real processes, whose worker is killed with SIGKILL in the middle', () => {
  test('ends well, with one JSON line as the last of its output', () => {
    expect({
      code: killed.code,
      ok: killed.summary.ok,
      orphans: killed.summary.orphans,
      progress: killed.summary.ok ? '' : killed.progress,
    }).toEqual({
      code: 0,
      ok: true,
      orphans: 0,
      progress: '',
    });
    expect(killed.killedWorkers).toBe(1);
    expect(killed.progress).toContain('worker ended (SIGKILL); starting it again');
  });
  test('every frame is archived and previewed, and no command had its effect twice', () => {
    expect(killed.summary.bookings.map((b) => [b.phase, b.shots_planned, b.frames])).toEqual([
      [
        'completed',
        SHOTS,
        { expected: SHOTS, captured: SHOTS, archived: SHOTS, previewed: SHOTS, rejected: 0, missing: 0 },
      ],
    ]);
    expect(killed.summary.voyager.commands).toBeGreaterThan(0);
    expect(killed.summary.voyager.repeated_with_effect).toBe(0);
    expect(killed.summary.frame_to_preview_ms.p50).toBeGreaterThan(0);
  });
  test('report and archive stand where the summary says', () => {
    for (const booking of killed.summary.bookings)
      expect([existsSync(booking.report_path), existsSync(booking.archive_path)]).toEqual([true, true]);
  });
  (LONG ? describe : describe.skip)('beside an undisturbed one', () => {
    test('has the same outcome', async () => {
      const quiet = await night(false);
      const outcome = ({ code, summary }: Run): unknown => ({
        code,
        ok: summary.ok,
        orphans: summary.orphans,
        repeated: summary.voyager.repeated_with_effect,
        bookings: summary.bookings.map(({ id, phase, workflow_id, set_guid, target_guid, shots_planned, frames }) => ({
          id,
          phase,
          workflow_id,
          set_guid,
          target_guid,
          shots_planned,
          frames,
        })),
      });
      expect(outcome(killed)).toEqual(outcome(quiet));
    });
  });
});
