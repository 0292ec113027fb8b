import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { ApiClient } from '../../stack/api-client.ts';
import type { ChildSpec } from '../../stack/supervisor.ts';
import { bookingOf, count, type STOPPED } from './night.ts';
import { nginx, postgres, temporal } from './servers.ts';
import { GATEWAYS, makeBuild, replica, settingsOf, type Stage } from './stage.ts';

export interface Step {
  step: string;
  seconds: number;
  /** Sessions that took frames when it began. */
  running: number;
  /** Requests through the front that were not answered meanwhile. */
  refused: number;
}
export interface Stop {
  bookingId: string;
  during: string;
  askedMs: number;
  status: string;
}
const PROBE_MS = 400;
const TRIES = 3;
/** A guest's own probe goes through these without one refusal: each has a second one beside it. */
const DOUBLED = /^(bad build|next build|api|gateway|worker)/;
const CARELESS = 'async function session(input) {';
/** A timer that no history has: what a careless change of the workflow looks like to a session that sleeps. */
const bad = (code: string): string => {
  const found = /\(0,\s*(_temporalio_workflow\w+)\.setWorkflowOptions\)\([^)]*\}, session\);/.exec(code);
  if (!found || !code.includes(CARELESS)) throw new Error('The workflow bundle has no session to make worse');
  return code.replace(CARELESS, `${CARELESS} void (0, ${found[1]}.sleep)(1);`);
};
const next = (code: string): string => `${code}\n// The next build.\n`;

/** What happens in the middle of the night: a bad build, a good one, and a restart of everything, one after the other. */
export class Rounds {
  readonly steps: Step[] = [];
  readonly stops: Stop[] = [];
  readonly problems: string[] = [];
  /** Identities by which Temporal knows the workers of the bad build. */
  readonly badIdentities = new Set<string>();
  /** How often the good build was taken back, and released again. */
  goodTakenBack = 0;
  private now = 'before';
  private refused = 0;
  private probing: NodeJS.Timeout | null = null;
  constructor(
    private readonly stage: Stage,
    private readonly parts: { api: ApiClient; db: Database; say: (line: string) => void },
  ) {}

  async play(): Promise<void> {
    this.probe();
    try {
      await this.badBuild();
      await this.nextBuild();
      await this.restarts();
    } finally {
      if (this.probing) clearInterval(this.probing);
    }
  }

  /** Somebody whose page asks again and again. */
  private probe(): void {
    const path = `/api/bookings/${bookingOf(this.stage.observatories[0]!)}`;
    this.probing = setInterval(() => {
      const step = this.now;
      this.parts.api.call('GET', path).catch((thrown: unknown) => {
        this.refused++;
        // A request that the next step has met too is that step's: what it takes away may have no double.
        if (DOUBLED.test(step) && this.now === step)
          this.problems.push(`${step}: a request was not answered: ${toError(thrown).message}`);
      });
    }, PROBE_MS);
  }
  private async step(step: string, work: () => Promise<void>): Promise<void> {
    const { running } = await count(this.parts.db).catch(() => ({ running: 0 }));
    if (running === 0) this.problems.push(`${step}: no session took frames any more`);
    [this.now, this.refused] = [step, 0];
    const began = Date.now();
    await work();
    const seconds = Math.round((Date.now() - began) / 100) / 10;
    this.steps.push({ step, seconds, running, refused: this.refused });
    this.parts.say(`${step}: ${seconds} s, ${running} sessions under way, ${this.refused} requests refused`);
  }
  private async restart(spec: ChildSpec, during?: () => Promise<void>): Promise<void> {
    await this.stage.supervisor.stop(spec.name);
    await during?.();
    await this.stage.supervisor.start(spec);
  }

  /** A guest's stop, through TLS and the front, asked once as a page asks. */
  private async stop(id: (typeof STOPPED)[number], during: string): Promise<void> {
    const bookingId = bookingOf({ id });
    const askedMs = Date.now();
    const path = `/api/bookings/${bookingId}/abort`;
    let status: string;
    try {
      const { state } = await this.parts.api.call<{ state: string }>('POST', path, { requested_by: 'guest' });
      status = state;
    } catch (thrown) {
      status = toError(thrown).message;
      this.problems.push(`the stop of ${bookingId} was refused while ${during}: ${status}`);
    }
    this.stops.push({ bookingId, during, askedMs, status });
    this.parts.say(`stop of ${bookingId} while ${during}: ${status} after ${Date.now() - askedMs} ms`);
  }

  /** `npm run release` of a build, in a process of its own. */
  private release(root: string, args: readonly string[]): Promise<{ code: number | null; said: string }> {
    const script = join(root, 'dist', 'scripts', 'release.js');
    const child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      env: settingsOf(this.stage, 'release'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, said: said.trim() })));
  }
  private expect(what: string, found: { code: number | null; said: string }, code: number, words: RegExp): void {
    this.parts.say(`${what}: ${found.said.split('\n').at(-1)?.slice(0, 200)}`);
    if (found.code !== code || !words.test(found.said))
      this.problems.push(`${what} ended with ${found.code}: ${found.said.slice(-500)}`);
  }

  private async badBuild(): Promise<void> {
    const { stage } = this;
    const root = await makeBuild(stage, 'bad', bad);
    await this.step('bad build', async () => {
      await stage.supervisor.start(replica(stage, 'worker-bad', root));
      this.badIdentities.add(`${stage.supervisor.pid('worker-bad')}@${hostname()}`);
      this.expect('a bad build, promoted', await this.release(root, ['promote']), 1, /Not released/);
      const pushed = await this.release(root, ['promote', '--no-replay', '--watch', '60']);
      this.expect('a bad build, promoted without a replay', pushed, 1, /Taken back to /);
      await stage.supervisor.stop('worker-bad');
    });
  }
  private async nextBuild(): Promise<void> {
    const { supervisor } = this.stage;
    const root = await makeBuild(this.stage, 'next', next);
    let stands = false;
    await this.step('next build', async () => {
      await Promise.all(
        (['a', 'b'] as const).map((one) => supervisor.start(replica(this.stage, `worker-next-${one}`, root))),
      );
      // Where tasks run out of time because the machine is slow, a good build is taken back too: that is the safe side, and it is released again.
      for (let n = 0; n < TRIES && !stands; n++) {
        const done = await this.release(root, ['promote', '--watch', '10']);
        stands = done.code === 0;
        if (!stands) this.goodTakenBack++;
        if (stands || n === TRIES - 1) this.expect('the next build', done, 0, /is the current version/);
        else this.parts.say(`the next build: ${done.said.split('\n').at(-1)}`);
      }
    });
    const old = stands ? (['worker-a', 'worker-b'] as const) : (['worker-next-a', 'worker-next-b'] as const);
    await this.step(old[0], () => supervisor.stop(old[0]));
    await this.step(old[1], async () => {
      await Promise.all([supervisor.stop(old[1]), this.stop('south-5', 'the last old worker ends')]);
    });
  }
  private async restarts(): Promise<void> {
    const { stage } = this;
    await this.step('api-a', () => this.restart(replica(stage, 'api-a'), () => this.stop('north-5', 'api-a is down')));
    await this.step('api-b', () => this.restart(replica(stage, 'api-b')));
    const database = await postgres(stage);
    await this.step('PostgreSQL', () => this.restart(database));
    await this.step('nginx', () => this.restart(nginx(stage)));
    for (const name of GATEWAYS) {
      const during = name === 'south' ? () => this.stop('south-4', 'its own gateway is down') : undefined;
      await this.step(`gateway-${name}`, () => this.restart(replica(stage, `gateway-${name}`), during));
    }
    await this.step('Temporal', () =>
      this.restart(temporal(stage), () => this.stop('north-4', 'Temporal’s server is down')),
    );
  }
}
