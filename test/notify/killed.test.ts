import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { enqueueAlert } from '../../platform/outbox.ts';
import { projectPath } from '../../platform/paths.ts';
import { PUBLIC_URL, SECRET, startReceiver, startWorld, type Receiver, type World } from './world.ts';

/** A process that delivers is killed between any two steps of a letter and of an alert that is handed out: webhooks are in test/api/webhooks.test.ts. */
let world: World;
let far: Receiver;
const children: ChildProcess[] = [];
beforeAll(async () => {
  [world, far] = await Promise.all([startWorld(), startReceiver()]);
  await world.booking('b1', { ref: 'u1', email: 'anne@example.org' });
}, 60_000);
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(async () => {
  await Promise.all([world.stop(), far.stop()]);
}, 30_000);

/** A process that is ready to deliver, and begins at once. */
async function deliverer(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', projectPath('test', 'notify', 'deliver-process.ts')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      DATABASE_URL: world.url,
      SMTP_URL: world.mail.url,
      MAIL_FROM: 'nocturne@observe.example.org',
      OPERATOR_EMAIL: 'operator@example.org',
      OPERATOR_WEBHOOK_URL: `${far.url}/operator`,
      WEBHOOK_ALLOW_PRIVATE: 'true',
      GATEWAY_SECRET: SECRET,
      PUBLIC_URL,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}
async function killed(child: ChildProcess): Promise<void> {
  const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
  child.kill('SIGKILL');
  await exited;
}
async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await check()); await sleep(25))
    if (Date.now() > end) throw new Error(`waited 30 s for: ${what}`);
}
const lettersTo = (address: string): { id: string | undefined; subject: string | undefined }[] =>
  world.mail.letters
    .filter(({ to }) => to === address)
    .map(({ mail }) => ({ id: mail.messageId, subject: mail.subject }));

test('kill -9 while a letter is under way, sent and not noted, handed out and not noted: all arrive, each under one id', async () => {
  await world.put('b1', 'started', 'session.started', ['email']);
  await world.put('b1', 'paused', 'session.paused', ['email']);
  await world.db.$transaction((tx) =>
    enqueueAlert(tx, {
      key: 'alert',
      bookingId: 'b1',
      telescopeId: 't',
      reason: 'voyager_error',
      message: 'It is so.',
      at: new Date(),
    }),
  );
  // While the letter's recipient is named. What has been sent by then and what not is the next process's to find out.
  let asked = (): void => undefined;
  const naming = new Promise<void>((resolve) => (asked = resolve));
  let first: ChildProcess | null = null;
  world.mail.refuse = (address) => {
    if (address === 'anne@example.org') {
      first?.kill('SIGKILL');
      asked();
    }
    return null;
  };
  first = await deliverer();
  await naming;
  await killed(first);
  world.mail.refuse = null;
  expect(lettersTo('anne@example.org')).toEqual([]);

  // Nothing can be noted while the table is held: letters leave, rows are handed out, and the process dies before it says so.
  const holder = new Client({ connectionString: world.url });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE deliveries IN SHARE ROW EXCLUSIVE MODE');
  await world.timePasses();
  const second = await deliverer();
  const handedOut = () => world.db.outbox.count({ where: { channel: { startsWith: 'operator.' } } });
  await until('the letter left', () => lettersTo('anne@example.org').length > 0);
  await until('the alert was handed out', async () => (await handedOut()) === 2);
  await killed(second);
  // Its machine died with it: what its connections still asked for is not done.
  await holder.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
  await holder.query('ROLLBACK');
  await holder.end();
  expect(await world.db.outbox.count({ where: { deliveredAt: { not: null }, channel: 'email' } })).toBe(0);

  await world.timePasses();
  const third = await deliverer();
  await until('everything is delivered', async () => {
    await world.timePasses();
    return (await world.db.outbox.count({ where: { deliveredAt: null, deadAt: null } })) === 0;
  });
  await killed(third);
  const letters = lettersTo('anne@example.org');
  const subjects = letters.map(({ subject }) => subject);
  expect([...new Set(letters.map(({ id }) => id))]).toHaveLength(2);
  expect(letters.length).toBeGreaterThan(2);
  // In order: no repetition of the first letter comes after the second.
  expect(subjects.lastIndexOf(subjects[0])).toBeLessThan(subjects.length - 1);
  expect(await handedOut()).toBe(2);
  expect(new Set(lettersTo('operator@example.org').map(({ id }) => id)).size).toBe(1);
  const posted = far.got.map(({ body }) => (JSON.parse(body) as { id: string }).id);
  expect(posted.length).toBeGreaterThan(0);
  expect(new Set(posted).size).toBe(1);
}, 120_000);
