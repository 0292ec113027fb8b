import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SessionStream } from '../../clients/typescript/live.ts';
import type { Event, Snapshot } from '../../clients/typescript/nocturne.ts';
import { EVENT_TYPES } from '../../domain/event-types.ts';
import { projectPath } from '../../platform/paths.ts';

const event = (seq: number, epoch = 1, rev?: number): Event =>
  ({
    id: `e${seq}`,
    type: rev === undefined ? 'log.appended' : 'control.updated',
    seq,
    epoch,
    ...(rev === undefined ? {} : { rev }),
  }) as Event;

/** A server with a store of events, and a socket that the test may lose. */
function server(stored: Event[], epoch = 1) {
  const bound = new Map<string, (data: never) => void>();
  const state = { epoch, failing: 0, snapshots: 0 };
  return {
    state,
    send: (one: Event) => bound.get(one.type)?.(one as never),
    joined: () => bound.get('pusher:subscription_succeeded')?.({} as never),
    names: () => [...bound.keys()],
    channel: {
      bind: (name: string, callback: (data: never) => void) => bound.set(name, callback),
      unbind: (name: string) => bound.delete(name),
    },
    client: {
      getSnapshot: async () => {
        state.snapshots++;
        return { seq: stored.at(-1)?.seq ?? 0, epoch: state.epoch } as Snapshot;
      },
      listEvents: async (_id: string, query?: { after?: number | null; limit?: number }) => {
        if (state.failing-- > 0) throw new Error('the network is away');
        const data = stored.filter((one) => one.seq > query!.after!).slice(0, 2);
        return { data, meta: { complete: (data.at(-1)?.seq ?? Infinity) >= (stored.at(-1)?.seq ?? 0) } };
      },
    },
  };
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};
function follow(from: ReturnType<typeof server>): { seen: number[]; stream: SessionStream } {
  const seen: number[] = [];
  const stream = new SessionStream({
    client: from.client as never,
    bookingId: 'b',
    channel: from.channel,
    retryMs: 0,
    onEvent: (one) => seen.push(one.rev === undefined ? one.seq : -one.rev),
  });
  return { seen, stream };
}

describe('the live client', () => {
  test('hands on each stored event once and in order, whatever the socket lost, repeated or turned round', async () => {
    const stored = [event(1)];
    const from = server(stored);
    const { seen, stream } = follow(from);
    await stream.start();
    from.send(event(2));
    from.send(event(2));
    stored.push(event(2), event(3), event(4), event(5), event(6));
    from.send(event(6));
    await settled();
    from.send(event(4));
    expect(seen).toEqual([2, 3, 4, 5, 6]);
    stored.push(event(7));
    from.joined();
    await settled();
    expect(seen).toEqual([2, 3, 4, 5, 6, 7]);
    expect(from.state.snapshots).toBe(1);
  });
  test('what passes is handed on at once and moves no counter', async () => {
    const from = server([event(1)]);
    const { seen, stream } = follow(from);
    await stream.start();
    from.send(event(1, 1, 40));
    from.send(event(2));
    expect(seen).toEqual([-40, 2]);
  });
  test('a new epoch begins from a snapshot', async () => {
    const stored = [event(8)];
    const from = server(stored);
    const { seen, stream } = follow(from);
    await stream.start();
    stored.splice(0, 1, event(1, 2));
    from.state.epoch = 2;
    from.send(event(1, 2));
    await settled();
    from.send(event(2, 2));
    expect([seen, from.state.snapshots]).toEqual([[2], 2]);
  });
  test('reads again until it can', async () => {
    const stored = [event(1)];
    const from = server(stored);
    const { seen, stream } = follow(from);
    await stream.start();
    stored.push(event(2), event(3));
    from.state.failing = 3;
    const told = new Promise<void>((resolve) => {
      const push = seen.push.bind(seen);
      seen.push = (...seqs) => {
        const length = push(...seqs);
        if (seen.includes(3)) resolve();
        return length;
      };
    });
    from.send(event(3));
    await told;
    expect([...seen]).toEqual([2, 3]);
  });
  test('listens to every type of event, and to nothing after its end', async () => {
    const from = server([event(1)]);
    const { stream } = follow(from);
    await stream.start();
    expect(from.names()).toEqual([...EVENT_TYPES, 'pusher:subscription_succeeded']);
    stream.stop();
    expect(from.names()).toEqual([]);
  });
});

test('the package is built and imported as Node imports it', () => {
  const out = mkdtempSync(join(tmpdir(), 'nocturne-client-'));
  try {
    const tsc = projectPath('node_modules', 'typescript', 'bin', 'tsc');
    const built = spawnSync(process.execPath, [tsc, '-p', projectPath('clients', 'typescript'), '--outDir', out], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect([built.status, built.stdout]).toEqual([0, '']);
    const { exports } = JSON.parse(readFileSync(projectPath('clients', 'typescript', 'package.json'), 'utf8')) as {
      exports: Record<string, { types: string; default: string }>;
    };
    for (const files of Object.values(exports))
      for (const path of Object.values(files))
        expect(readFileSync(join(out, path.replace('./dist/', '')), 'utf8')).not.toBe('');
    const script = `const [a, b] = await Promise.all([import('${out}/nocturne.js'), import('${out}/live.js')]); process.stdout.write([typeof a.NocturneClient, typeof b.SessionStream].join());`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect([run.stdout, run.stderr]).toEqual(['function,function', expect.not.stringContaining('Error')]);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}, 90_000);
