import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { sendChat } from '../../activities/notify/chat.ts';
import { loadConfig } from '../../platform/config.ts';
import { ALERTS, SEVERITIES } from '../../domain/alerts.ts';
import { Chat, chatAddressProblem, Preferences } from '../../domain/contracts/preferences.ts';
import { REASON_CODES, type Reason } from '../../domain/reasons.ts';
import { createLogger } from '../../platform/logger.ts';
import { enqueueAlert, outboxState } from '../../platform/outbox.ts';
import { projectPath } from '../../platform/paths.ts';
import { loadChats, savePreferences } from '../../platform/preferences.ts';
import { SECRET, startReceiver, startWorld, type Receiver, type World } from './world.ts';

const HOOK_SECRET = `whsec_${Buffer.from('the operators own secret........').toString('base64')}`;
let world: World;
let far: Receiver;
beforeAll(async () => {
  [world, far] = await Promise.all([startWorld(), startReceiver()]);
  await world.booking('b1', { ref: 'u1', email: 'anne@example.org', locale: 'fr' });
}, 60_000);
afterAll(async () => {
  await Promise.all([world.stop(), far.stop()]);
}, 30_000);
beforeEach(async () => {
  world.mail.letters = [];
  far.got = [];
  far.answer = () => ({ status: 200, body: { ok: true } });
  for (const table of ['outbox', 'deliveries', 'preferences', 'silences', 'links'])
    await world.db.$executeRawUnsafe(`DELETE FROM ${table}`);
});

const alert = (key: string, reason: Reason, at = new Date(Date.UTC(2026, 0, 10, 23))): Promise<void> =>
  world.db.$transaction((tx) =>
    enqueueAlert(tx, { key, bookingId: 'b1', telescopeId: 't', reason, message: `It is ${reason}.`, at }),
  );
const ways = (): Record<string, string> => ({
  OPERATOR_EMAIL: 'operator@example.org',
  OPERATOR_WEBHOOK_URL: `${far.url}/operator`,
  OPERATOR_WEBHOOK_SECRET: HOOK_SECRET,
  OPERATOR_CHANNELS: `ntfy=${far.url}/night,telegram=42,discord=${far.url}/discord,slack=${far.url}/slack`,
  TELEGRAM_BOT_TOKEN: '1:secret',
  TELEGRAM_API_URL: far.url,
});
const bodies = (path: string): Record<string, unknown>[] =>
  far.got.filter((one) => one.url.startsWith(path)).map((one) => JSON.parse(one.body) as Record<string, unknown>);
const rows = async (): Promise<string[][]> =>
  (await world.db.outbox.findMany({ where: { channel: { startsWith: 'operator' } }, orderBy: { channel: 'asc' } })).map(
    (row) => [row.channel.replace(/-\w+$/, ''), outboxState(row)],
  );

describe('alerts', () => {
  test('every reason has a severity, says what to do, and stands in the runbook that its link opens', () => {
    const runbook = readFileSync(projectPath('docs', 'operator-runbook.md'), 'utf8');
    expect(Object.keys(ALERTS).toSorted()).toEqual([...REASON_CODES].toSorted());
    for (const reason of REASON_CODES) {
      expect(SEVERITIES).toContain(ALERTS[reason].severity);
      expect(ALERTS[reason].todo).toMatch(/\.$/);
      // What an alert is raised for by day or night is explained there.
      if (ALERTS[reason].severity !== 'info') expect(runbook).toContain(`\`${reason}\``);
    }
  });

  test('go out on every way, each with severity, what to do and the runbook’s place, and each for itself', async () => {
    await alert('1', 'gateway_away');
    far.answer = (got) => ({ status: got.url.startsWith('/discord') ? 503 : 200, body: { ok: true } });
    await world.drain(ways());
    expect(await rows()).toEqual([
      ['operator', 'delivered'],
      ['operator.discord', 'waiting'],
      ['operator.email', 'delivered'],
      ['operator.ntfy', 'delivered'],
      ['operator.slack', 'delivered'],
      ['operator.telegram', 'delivered'],
      ['operator.webhook', 'delivered'],
    ]);
    const { mail, to } = world.mail.letters[0]!;
    expect(to).toBe('operator@example.org');
    expect(mail.from!.text).toContain('nocturne (page)');
    expect(mail.text).toContain('It is gateway_away.');
    expect(mail.text).toContain('What to do: Start the gateway.');
    expect(mail.text).toContain('https://observe.example.org/docs/runbook#gateway_away');
    const [hook] = far.got.filter((one) => one.url === '/operator');
    expect(JSON.parse(hook!.body)).toMatchObject({
      type: 'operator.alert',
      severity: 'page',
      reason: 'gateway_away',
      booking_id: 'b1',
      group: 'night-t-2026-01-10',
    });
    const three = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(hook!.headers[name])]),
    );
    expect(new StandardWebhook(HOOK_SECRET).verify(hook!.body, three)).toMatchObject({ severity: 'page' });
    expect(hook!.headers.signature).toBe(createHmac('sha256', HOOK_SECRET).update(hook!.body).digest('hex'));
  });

  test('chats get the shape that each of them documents', async () => {
    await alert('1', 'equipment_error');
    await world.drain(ways());
    const text = 'It is equipment_error.\nTelescope Nice, booking b1.\nConnect the device in Voyager.';
    expect(bodies('/discord')).toEqual([
      {
        content: expect.stringMatching(/^\*\*CRITICAL: equipment\\_error\*\*\n\nIt is equipment\\_error\./),
        allowed_mentions: { parse: [] },
      },
    ]);
    expect(bodies('/bot1:secret/sendMessage')).toMatchObject([{ chat_id: '42', text: expect.stringContaining(text) }]);
    expect(bodies('/slack')).toMatchObject([{ text: expect.stringMatching(/^\*CRITICAL: equipment_error\*/) }]);
    expect(far.got.find((one) => one.url === '/')?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(far.got.find((one) => one.url === '/')!.body)).toMatchObject({
      topic: 'night',
      title: 'CRITICAL: equipment_error',
      message: text,
      priority: 4,
      click: 'https://observe.example.org/docs/runbook#equipment_error',
    });
  });

  test('one night is one thread; what is only worth reading goes by letter and webhook', async () => {
    await alert('1', 'equipment_error', new Date(Date.UTC(2026, 0, 10, 19)));
    await alert('2', 'weather_no_time_left', new Date(Date.UTC(2026, 0, 11, 4)));
    await alert('3', 'disk_low', new Date(Date.UTC(2026, 0, 11, 19)));
    await world.drain(ways());
    const threads = world.mail.letters.map(({ mail }) => [mail.subject, mail.references]);
    const [first, second] = ['2026-01-10', '2026-01-11'].map((day) => [
      `nocturne: Nice, night of ${day}`,
      `<night-t-${day}@observe.example.org>`,
    ]);
    expect(threads).toEqual([first, first, second]);
    expect(bodies('/slack')).toHaveLength(2);
    const unsent = await world.db.outbox.findMany({ where: { unsent: true, channel: { startsWith: 'operator.' } } });
    expect(new Set(unsent.map((row) => row.lastError))).toEqual(new Set(['info goes by letter and webhook only']));
  });

  test('silence holds alerts back until it ends; what would page goes through', async () => {
    const untilAt = new Date(Date.now() + 3_600_000);
    await world.db.silence.create({
      data: { id: 's', telescopeId: 't', actor: 'key:server', fromAt: new Date(0), untilAt },
    });
    await alert('1', 'equipment_error');
    await alert('2', 'voyager_away');
    await world.drain({ OPERATOR_EMAIL: 'operator@example.org' });
    expect(world.mail.letters.map(({ mail }) => mail.from!.text)).toEqual([expect.stringContaining('nocturne (page)')]);
    const held = await world.db.outbox.findFirstOrThrow({ where: { channel: 'operator', deliveredAt: null } });
    expect([held.heldUntil, held.lastError]).toEqual([untilAt, 'silenced by an operator']);
    await world.timePasses();
    await world.drain({ OPERATOR_EMAIL: 'operator@example.org' }, () => untilAt.getTime() + 1);
    expect(world.mail.letters).toHaveLength(2);
  });

  test('with no way to the operator the alert is shown as not sent; it never waits behind a guest’s letter', async () => {
    await alert('1', 'gateway_away');
    await world.drain();
    expect(await rows()).toEqual([['operator', 'not_sent']]);
    world.mail.refuse = (address) => (address === 'anne@example.org' ? 451 : null);
    await world.put('b1', 'guest', 'session.started', ['email']);
    await alert('2', 'gateway_away');
    await world.drain({ OPERATOR_EMAIL: 'operator@example.org' });
    expect(world.mail.letters.map(({ to }) => to)).toEqual(['operator@example.org']);
    world.mail.refuse = null;
  });

  test('OPERATOR_CHANNELS that is none is refused by name, without repeating the address', () => {
    const given = (channels: string) => () => loadConfig({ OPERATOR_CHANNELS: channels });
    expect(given('pager=x-secret')).toThrow(/OPERATOR_CHANNELS: each entry must be kind=address with one of ntfy/);
    expect(given('slack=no-url-secret')).toThrow('OPERATOR_CHANNELS: the address of slack must begin with https://');
    expect(given('slack=no-url-secret')).not.toThrow(/secret/);
  });
});

describe('a guest’s chats', () => {
  const telegram = (): Record<string, string> => ({ TELEGRAM_BOT_TOKEN: '1:secret', TELEGRAM_API_URL: far.url });
  const choose = (): Promise<void> =>
    savePreferences(
      world.db,
      'u1',
      Preferences.parse({}),
      { secret: SECRET, list: [Chat.parse({ kind: 'telegram', address: '4711' })] },
      new Date(),
    );

  test('tell what the guest chose, with a link that lets look; addresses lie sealed in the database', async () => {
    await choose();
    await world.put('b1', '1', 'session.started', ['chat']);
    await world.drain(telegram());
    const [said] = bodies('/bot1:secret/sendMessage');
    expect(said).toMatchObject({ chat_id: '4711', text: expect.stringContaining('Votre session a démarré (M 31)') });
    expect(said!.text).toContain('https://observe.example.org/control/b1#link=');
    expect((await world.db.link.findFirstOrThrow()).scopes).toEqual(['session:view']);
    const stored = await world.db.preference.findUniqueOrThrow({ where: { userRef: 'u1' } });
    expect(JSON.stringify(stored)).not.toContain('4711');
    expect(await loadChats(world.db, 'another secret', 'u1')).toEqual([]);
  });

  test('a chat that is gone is given up at once, one that asks for patience gets it; errors name no address', async () => {
    await choose();
    const answers = [
      { status: 429, body: { ok: false, parameters: { retry_after: 77 } } },
      { status: 403, body: { ok: false } },
    ];
    far.answer = () => answers.shift() ?? { status: 200, body: { ok: true } };
    await world.put('b1', '1', 'session.started', ['chat']);
    await world.drain(telegram());
    const row = (): Promise<{ lastError: string | null; nextAttemptAt: Date; deadAt: Date | null }> =>
      world.db.outbox.findFirstOrThrow({ where: { channel: 'chat.telegram' } });
    const patient = await row();
    expect(patient.lastError).toBe('telegram: answered 429');
    expect(patient.nextAttemptAt.getTime() - Date.now()).toBeGreaterThan(60_000);
    await world.timePasses();
    await world.drain(telegram());
    expect([(await row()).deadAt !== null, (await row()).lastError]).toEqual([true, 'telegram: answered 403']);
  });

  test('nobody’s chat: not sent, and says so', async () => {
    await world.put('b1', '1', 'session.started', ['chat']);
    await world.drain(telegram());
    expect((await world.db.outbox.findMany()).map((row) => [outboxState(row), row.lastError])).toEqual([
      ['not_sent', 'no chat'],
    ]);
  });

  test.each([
    ['ntfy', 'https://ntfy.sh/my-topic', true],
    ['ntfy', 'http://ntfy.sh/my-topic', false],
    ['ntfy', 'https://user:pw@ntfy.sh/my-topic', false],
    ['ntfy', 'https://ntfy.sh/', false],
    ['telegram', '-1001234567890', true],
    ['telegram', '@channelname', true],
    ['telegram', '12/../../getMe', false],
    ['discord', 'https://discord.com/api/webhooks/123/abc_DEF-1', true],
    ['discord', 'https://discord.com.evil.example/api/webhooks/123/abc', false],
    ['slack', 'https://hooks.slack.com/services/T0/B0/xyz', true],
    ['slack', 'https://hooks.slack.com@evil.example/services', false],
  ] as const)('%s %s is an address: %s', (kind, address, good) => {
    expect(chatAddressProblem(kind, address) === null).toBe(good);
  });

  test('a chat on a private address is not reached', async () => {
    const deps = {
      db: world.db,
      logger: createLogger('test', 'silent'),
      config: world.config({ WEBHOOK_ALLOW_PRIVATE: 'false' }),
    };
    const message = { id: '1', title: 't', text: 'x', url: null, priority: 3 } as const;
    expect(await sendChat(deps, 'ntfy', `${far.url}/topic`, message)).toMatchObject({
      ok: false,
      error: expect.stringMatching(/private address/),
    });
    expect(far.got).toEqual([]);
  });
});
