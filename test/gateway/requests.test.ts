import { afterEach, describe, expect, test } from '@jest/globals';
import { buildRequest, buildUntyped, classify, COMMANDS, payloadFailure } from '../../gateway/protocol/requests.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import { UsageError } from '../../platform/errors.ts';
import { harness, type Harness } from './wire.ts';
import { METHODS } from './page.ts';
import { until } from './peer.ts';

let open: Harness[] = [];
async function start(...args: Parameters<typeof harness>): Promise<Harness> {
  const h = await harness(...args);
  open.push(h);
  h.link.start();
  await h.ready();
  return h;
}
afterEach(async () => {
  for (const h of open) await h.close();
  open = [];
});
const sent = async (h: Harness, method: string) => {
  await until(`${method} arrives`, () => h.peer.last.methods().includes(method));
  return h.peer.last.received.findLast((m) => m.method === method)!;
};

describe('requests: answers in any order', () => {
  test('reply and result in one chunk (the result may beat the waiter)', async () => {
    const h = await start(
      {},
      {
        script: (m, c) =>
          m.method === 'RemoteGetStatus' &&
          (c.send(c.reply(m), c.result(m, { ParamRet: { VoyagerStatus: 'IDLE' } })), true),
      },
    );
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({
      outcome: 'done',
      paramRet: { VoyagerStatus: 'IDLE' },
      reply: { result: 0 },
    });
  });
  test('result before reply, the late reply is not taken for another', async () => {
    const h = await start(
      {},
      {
        script: (m, c) =>
          m.method === 'RemoteGetStatus' &&
          (c.send(c.result(m, { ParamRet: { VoyagerStatus: 'RUN' } }), c.reply(m)), true),
      },
    );
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({
      outcome: 'done',
      paramRet: { VoyagerStatus: 'RUN' },
    });
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({ outcome: 'done' });
  });
  test('two requests answered crosswise, each gets its own', async () => {
    const h = await start(
      {},
      { script: (m) => m.method === 'RemoteGetCCDTemperature' || m.method === 'RemoteFilterGetActual' },
    );
    const temperature = h.link.request(buildRequest('RemoteGetCCDTemperature', {}));
    const filter = h.link.request(buildRequest('RemoteFilterGetActual', {}));
    const [a, b] = [await sent(h, 'RemoteGetCCDTemperature'), await sent(h, 'RemoteFilterGetActual')];
    const c = h.peer.last;
    c.send(
      c.reply(b),
      c.result(a, { ParamRet: { CCDTemp: -10 } }),
      c.reply(a),
      c.result(b, { ParamRet: { FilterIndex: 3 } }),
    );
    await expect(temperature).resolves.toMatchObject({ paramRet: { CCDTemp: -10 } });
    await expect(filter).resolves.toMatchObject({ paramRet: { FilterIndex: 3 } });
  });
  test('a result under a UID of another client is nobody’s', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteGetStatus' });
    const answer = h.link.request(buildRequest('RemoteGetStatus', {}));
    const message = await sent(h, 'RemoteGetStatus');
    const c = h.peer.last;
    c.event('RemoteActionResult', { UID: 'somebody-else', ActionResultInt: 5, Motivo: 'no', ParamRet: {} });
    c.send(c.reply({ id: 999_999 }), c.reply(message), c.result(message));
    await expect(answer).resolves.toMatchObject({ outcome: 'done' });
  });
  test('a UID that comes back in capitals is the same', async () => {
    const h = await start(
      {},
      {
        script: (m, c) =>
          m.method === 'RemoteGetStatus' &&
          (c.send(c.reply(m), c.result(m, { UID: String(m.params!.UID).toUpperCase() })), true),
      },
    );
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({ outcome: 'done' });
  });
});

describe('requests: the ways of failing', () => {
  const failing = (script: NonNullable<Parameters<typeof harness>[1]>['script']) => start({}, { script });
  test('by the reply', async () => {
    const h = await failing(
      (m, c) =>
        m.method === 'RemoteSetupConnect' &&
        (c.send(c.error(m, 'could not connect all controls : Camera Error')), true),
    );
    await expect(h.link.request(buildRequest('RemoteSetupConnect', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'reply',
      code: 1,
      message: 'could not connect all controls : Camera Error',
    });
  });
  test('by a reply whose result is not 0', async () => {
    const h = await failing(
      (m, c) => m.method === 'RemoteGetStatus' && (c.send({ jsonrpc: '2.0', result: 3, id: m.id }), true),
    );
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'reply',
      code: 3,
    });
  });
  test('by the result, with its reason', async () => {
    const h = await failing(
      (m, c) =>
        m.method === 'RemoteFocusInject' &&
        (c.send(c.reply(m), c.result(m, { ActionResultInt: 5, Motivo: 'Cannot inject focus no Sequence running' })),
        true),
    );
    await expect(h.link.request(buildRequest('RemoteFocusInject', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'result',
      code: 5,
      message: 'Cannot inject focus no Sequence running',
    });
  });
  test('by a payload that says no under a result that says OK', async () => {
    const h = await failing(
      (m, c) =>
        m.method === 'RemoteSolveActualPosition' &&
        (c.send(c.reply(m), c.result(m, { ParamRet: { IsSolved: 'false', LastError: 'no stars' } })), true),
    );
    await expect(h.link.request(buildRequest('RemoteSolveActualPosition', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'payload',
      code: 4,
      message: 'not solved: no stars',
    });
  });
  test('a result that says RUNNING is not the end', async () => {
    const h = await failing(
      (m, c) =>
        m.method === 'RemoteGetStatus' &&
        (c.send(
          c.reply(m),
          c.result(m, { ActionResultInt: 2 }),
          c.result(m, { ActionResultInt: 4, ParamRet: { VoyagerStatus: 'RUN' } }),
        ),
        true),
    );
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({
      outcome: 'done',
      paramRet: { VoyagerStatus: 'RUN' },
    });
  });
  test('no answer in time is unknown, the line went out once', async () => {
    const h = await failing((m) => m.method === 'RemoteGetStatus');
    const answer = h.link.request(buildRequest('RemoteGetStatus', {}, { timeoutMs: 30_000 }));
    await sent(h, 'RemoteGetStatus');
    for (let s = 0; s < 30; s += 5) {
      h.peer.last.event('Polling');
      await h.settled();
      h.clock.advance(5_000);
    }
    await expect(answer).resolves.toMatchObject({ outcome: 'unknown', why: 'timeout' });
    expect(h.peer.last.methods().filter((m) => m === 'RemoteGetStatus')).toHaveLength(1);
    expect(h.link.state).toBe('ready');
  });
  test('a result whose list cannot be read is unknown, never an empty list', async () => {
    const h = await failing((m, c) => {
      if (m.method !== 'RemoteGetListAvalaibleSequence') return false;
      c.send({ jsonrpc: '2.0', result: 0, id: m.id });
      const uid = (m.params as { UID: string }).UID;
      c.raw(
        `{"Event":"RemoteActionResult","UID":"${uid}","ActionResultInt":4,"Motivo":"","ParamRet":{"list":["a",}}\r\n`,
      );
      return true;
    });
    await expect(h.link.request(buildRequest('RemoteGetListAvalaibleSequence', {}))).resolves.toMatchObject({
      outcome: 'unknown',
      why: 'unreadable',
    });
  });
  test('a connection that breaks between command and reply: unknown, and nothing is sent again after the reconnect', async () => {
    const h = await failing((m, c) => m.method === 'RemoteMountFastCommand' && (c.socket.destroy(), true));
    const answer = h.link.request(buildRequest('RemoteMountFastCommand', { CommandType: 3 }));
    await expect(answer).resolves.toMatchObject({ outcome: 'unknown', why: 'disconnected' });
    h.clock.advance(5_000);
    await h.ready();
    await h.settled();
    expect(h.peer.clients).toHaveLength(2);
    expect(h.peer.last.methods()).toEqual(['RemoteSetDashboardMode', 'RemoteSetLogEvent']);
  });
  test('while the link is not ready nothing is sent and nothing waits', async () => {
    const h = await start();
    h.peer.last.socket.destroy();
    await until('lost', () => h.link.state === 'waiting');
    await expect(h.link.request(buildRequest('Abort', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'not_ready',
    });
    h.clock.advance(5_000);
    await h.ready();
    expect(h.peer.last.methods()).not.toContain('Abort');
  });
});

describe('requests: actions', () => {
  test('run one at a time, first come first served; reads and stops pass by', async () => {
    const h = await start(
      {},
      { script: (m) => ['RemoteFilterChangeTo', 'RemoteActionAbortAll', 'RemoteGetStatus'].includes(m.method ?? '') },
    );
    const order: number[] = [];
    const actions = [1, 2, 3].map((FilterIndex) =>
      h.link
        .request(buildRequest('RemoteFilterChangeTo', { FilterIndex }))
        .then((outcome) => (order.push(FilterIndex), outcome)),
    );
    void h.link.request(buildRequest('RemoteGetStatus', {}));
    void h.link.request(buildRequest('RemoteActionAbortAll', {}));
    await h.settled();
    const c = h.peer.last;
    expect(c.methods().slice(2)).toEqual(['RemoteFilterChangeTo', 'RemoteGetStatus', 'RemoteActionAbortAll']);
    for (let turn = 1; turn <= 3; turn++) {
      await until('the next action', () => c.methods().filter((m) => m === 'RemoteFilterChangeTo').length === turn);
      const message = c.received.findLast((m) => m.method === 'RemoteFilterChangeTo')!;
      expect(message.params).toMatchObject({ FilterIndex: turn });
      c.send(c.reply(message), c.result(message));
    }
    expect(await Promise.all(actions)).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }, { outcome: 'done' }]);
    expect(order).toEqual([1, 2, 3]);
  });
  test('those that wait when the link breaks were never sent', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteFilterChangeTo' });
    const first = h.link.request(buildRequest('RemoteFilterChangeTo', { FilterIndex: 1 }));
    const second = h.link.request(buildRequest('RemoteFilterChangeTo', { FilterIndex: 2 }));
    await h.settled();
    h.peer.last.socket.destroy();
    await expect(first).resolves.toMatchObject({ outcome: 'unknown', why: 'disconnected' });
    await expect(second).resolves.toMatchObject({ outcome: 'refused', how: 'not_ready' });
  });
  test('one that waits too long gives up unsent', async () => {
    const h = await start(
      {},
      { script: (m) => m.method === 'RemoteCameraShot' || m.method === 'RemoteFilterChangeTo' },
    );
    void h.link.request(buildRequest('RemoteCameraShot', { Expo: 600 }));
    const waiting = h.link.request(buildRequest('RemoteFilterChangeTo', { FilterIndex: 2 }, { timeoutMs: 8_000 }));
    h.clock.advance(8_000);
    await expect(waiting).resolves.toMatchObject({
      outcome: 'refused',
      how: 'not_ready',
      message: 'not sent: another action was still running',
    });
    await h.settled();
    expect(h.peer.last.methods()).not.toContain('RemoteFilterChangeTo');
  });
  test('at most 32 wait', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteFilterChangeTo' });
    const outcomes = Array.from({ length: 34 }, (_, FilterIndex) =>
      h.link.request(buildRequest('RemoteFilterChangeTo', { FilterIndex })),
    );
    await expect(outcomes[33]).resolves.toMatchObject({
      outcome: 'refused',
      how: 'not_ready',
      message: 'not sent: 32 actions are waiting already',
    });
    expect(h.link.stats.linesOut).toBe(3);
  });
  test('of 256 unanswered requests the next read is refused, an abort is not', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteGetStatus' || m.method === 'Abort' });
    for (let n = 0; n < 256; n++) void h.link.request(buildRequest('RemoteGetStatus', {}));
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'not_ready',
      message: 'not sent: 256 requests are waiting for Voyager',
    });
    void h.link.requestTogether([buildRequest('Abort', { IsHalt: false })]);
    await sent(h, 'Abort');
  });
  test('a UID under way is not used twice', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteGetStatus' });
    void h.link.request(buildRequest('RemoteGetStatus', {}, { uid: 'same' }));
    await expect(h.link.request(buildRequest('RemoteGetStatus', {}, { uid: 'same' }))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'not_ready',
      message: 'not sent: a request with this UID is under way',
    });
  });
  test('an aborted action gets its one result, with code 7', async () => {
    const h = await start({}, { script: (m) => m.method === 'RemoteCameraShot' || m.method === 'RemoteActionAbort' });
    const shot = h.link.request(buildRequest('RemoteCameraShot', { Expo: 600 }, { uid: 'action-1' }));
    const abort = h.link.request(buildRequest('RemoteActionAbort', { UID: 'action-1' }));
    const message = await sent(h, 'RemoteActionAbort');
    const c = h.peer.last;
    c.send(c.reply(message));
    await expect(abort).resolves.toMatchObject({ outcome: 'done' });
    c.send(c.result(message, { ActionResultInt: 7, Motivo: 'aborted', ParamRet: { DownloadAndSaveTime: -1 } }));
    await expect(shot).resolves.toMatchObject({ outcome: 'refused', how: 'result', code: 7 });
  });
  test('the stop ladder leaves in one write, in order', async () => {
    const h = await start();
    const before = h.link.stats.linesOut;
    void h.link.requestTogether([
      {
        method: 'RemoteOpenRoboTargetSetObjectStatus',
        params: { ObjUID: 'g', ObjType: 1, Status: 1 },
        timeoutMs: 1000,
        answer: 'result',
      },
      buildRequest('Abort', { IsHalt: false }),
    ]);
    expect(h.link.stats.linesOut).toBe(before + 2);
    await h.settled();
    expect(h.peer.last.methods().slice(2)).toEqual(['RemoteOpenRoboTargetSetObjectStatus', 'Abort']);
  });
});

describe('requests: specifications', () => {
  test('every command of the protocol page is there', () => {
    expect(METHODS.filter((method) => !COMMANDS.has(method))).toEqual([]);
  });
  test('commands without a RemoteActionResult are answered by their reply', () => {
    for (const method of [
      'disconnect',
      'GetArrayElementData',
      'Abort',
      'RemoteActionAbort',
      'RemoteActionAbortAll',
      'RemoteDragScript',
      'AuthenticateUserBase',
      'AuthenticateUserTicket',
    ])
      expect([method, COMMANDS.get(method)!.answer]).toEqual([method, 'reply']);
    expect(COMMANDS.get('RemoteSequence')!.answer).toBe('result');
  });
  test('a wrong parameter is named', () => {
    expect(() => buildUntyped('RemoteMountFastCommand', { CommandType: 9 })).toThrow(
      /RemoteMountFastCommand: CommandType/,
    );
    expect(() => buildUntyped('RemoteRoboClipRemoveTarget', { RefGuidTarget: '' })).toThrow(UsageError);
    expect(() => buildUntyped('RemotePauseSequence', {})).toThrow(/not a public command/);
  });
  test('classes by what a command can do', () => {
    const dialect = loadDialect();
    const table: [string, Record<string, unknown>, string][] = [
      ['RemoteMountFastCommand', { CommandType: 3 }, 'safe'],
      ['RemoteMountFastCommand', { CommandType: 2 }, 'safe'],
      ['RemoteMountFastCommand', { CommandType: 1 }, 'start'],
      ['RemoteMountFastCommand', { CommandType: 4 }, 'start'],
      ['RemoteMountFastCommand', {}, 'start'],
      ['RemoteFlatDeviceCMD', { CommandType: 2 }, 'safe'],
      ['RemoteFlatDeviceCMD', { CommandType: 1 }, 'start'],
      ['RemoteCooling', { IsWarmup: true }, 'safe'],
      ['RemoteCooling', { IsCoolDown: true }, 'start'],
      ['RemoteCooling', { IsCoolDown: true, IsWarmup: true }, 'start'],
      ['Abort', { IsHalt: true }, 'halt'],
      ['Abort', { IsHalt: false }, 'safe'],
      ['RemoteDragScript', {}, 'script'],
      ['RemoteGotoAltAz', {}, 'start'],
      ['RemoteCameraShot', {}, 'start'],
      ['RemoteGetStatus', {}, 'read'],
      ['RemoteSetProfile', {}, 'edit'],
      ['RemoteNobodyKnows', {}, 'start'],
      ['RemoteOpenRoboTargetSetObjectStatus', { Status: 1 }, 'safe'],
      ['RemoteOpenRoboTargetSetObjectStatus', { Status: 0 }, 'start'],
      ['RemoteOpenRoboTargetSetObjectStatus', {}, 'start'],
      ['RemoteOpenRoboTargetAddTarget', {}, 'start'],
      ['RemoteOpenRoboTargetAddTarget', { Status: 1 }, 'edit'],
      ['RemoteSetDashboardMode', {}, 'read'],
      ['RemoteOpenRoboTargetGetSetList', {}, 'read'],
    ];
    for (const [method, params, expected] of table)
      expect([method, params, classify(dialect, method, params).class]).toEqual([method, params, expected]);
  });
  test('negative payloads', () => {
    const dialect = loadDialect();
    expect(payloadFailure('RemotePrecisePointTarget', { ActionResult: 1 })).toBeNull();
    expect(payloadFailure('RemotePrecisePointTarget', { ActionResult: 0 })).toBe('precise pointing failed');
    expect(payloadFailure('RemotePrecisePointTarget', { ActionResult: 2 })).toBe('pointing ended out of range');
    expect(payloadFailure('RemoteSearchTarget', { Result: 0 })).toBe('target not found');
    expect(payloadFailure('RemoteOpenRoboTargetSetShotDoneRating', { ret: 'MAC Error' })).toBe('MAC Error');
    expect(payloadFailure('RemoteOpenRoboTargetAddSet', { ret: 'Already exists' }, dialect)).toBe('Already exists');
    expect(payloadFailure('RemoteOpenRoboTargetAddSet', { ret: 'DONE' }, dialect)).toBeNull();
    expect(payloadFailure('RemoteGetStatus', null)).toBeNull();
  });
});
