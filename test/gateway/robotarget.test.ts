import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { differences, RoboTargetClient } from '../../gateway/robotarget/commands.ts';
import { loadDialect, sign } from '../../gateway/robotarget/dialect.ts';
import {
  buildOpenRequest,
  OPEN_COMMANDS,
  openMac,
  readShotDoneList,
  readTargetList,
} from '../../gateway/robotarget/open.ts';
import { COMMANDS } from '../../gateway/protocol/requests.ts';
import { projectPath } from '../../platform/paths.ts';
import { harness, type Harness } from './wire.ts';
import type { Script } from './peer.ts';

const UID = 'd4a644d7-10d2-4904-9de4-9c1ec5cf6a6a';
const GUID = '6c5553ef-3c11-4b40-a3e1-7cd008e08c35';
const folder = mkdtempSync(join(tmpdir(), 'robotarget-'));
let open: Harness[] = [];
afterEach(async () => {
  for (const h of open) await h.close();
  open = [];
});
afterAll(() => rmSync(folder, { recursive: true }));
async function client(script: Script, dialect = loadDialect()): Promise<{ h: Harness; robo: RoboTargetClient }> {
  const h = await harness({ dialect }, { script });
  open.push(h);
  h.link.start();
  await h.ready();
  return { h, robo: new RoboTargetClient({ link: h.link, dialect, secret: 'leonardo' }) };
}

describe('open commands', () => {
  test('the public vectors', () => {
    expect(openMac('leonardo', UID)).toBe('684660d3045ee9c2bbc626a4e5cc5155');
    expect(openMac('leonardo', UID, GUID)).toBe('0241332cd7da9ec94e5a839fcee41ab4');
  });
  test('each of the nine covers what the protocol says', () => {
    const params: Record<string, Record<string, unknown>> = {
      GetTargetList: {},
      GetShotDoneList: { RefGuidTarget: GUID },
      SetShotDoneRating: { ObjUID: GUID, Mode: 0, Rating: 3 },
      RemoveShotDone: { ObjUID: GUID, Mode: 4 },
      RestoreShotDone: { ObjUID: GUID, Mode: 2 },
      UpdateBulkShotDone: { SrcList: [{ RefGuidShotDone: GUID, Rating: 1, IsToDelete: false }] },
      RemoveShotDoneByFileName: { FileNameFIT: GUID },
      RestoreShotDoneByFileName: { FileNameFIT: GUID },
      SetShotDoneRatingByFileName: { FileNameFIT: GUID, Rating: 2 },
    };
    for (const name of OPEN_COMMANDS) {
      const request = buildOpenRequest(name, params[name]!, 'leonardo', UID);
      const bare = name === 'GetTargetList' || name === 'UpdateBulkShotDone';
      expect([name, request.params.MAC]).toEqual([
        name,
        bare ? '684660d3045ee9c2bbc626a4e5cc5155' : '0241332cd7da9ec94e5a839fcee41ab4',
      ]);
      expect([name, request.params.UID, request.uid]).toEqual([name, UID, UID]);
      expect(COMMANDS.has(request.method)).toBe(true);
    }
    expect(buildOpenRequest('GetShotDoneList', { RefGuidTarget: GUID }, 'leonardo').params).toMatchObject({
      IsDeleted: false,
    });
  });
  test('a wrong parameter or a missing secret is named', () => {
    expect(() => buildOpenRequest('SetShotDoneRating', { ObjUID: GUID, Mode: 9, Rating: 1 }, 's')).toThrow(/Mode/);
    expect(() => buildOpenRequest('UpdateBulkShotDone', { SrcList: [] }, 's')).toThrow(/SrcList/);
    expect(() => buildOpenRequest('GetTargetList', {}, null)).toThrow(/VOYAGER_ROBOTARGET_SECRET is not set/);
  });
  test('lists are read whatever their age: missing fields, both cases of the key, local or UTC times', () => {
    expect(
      readTargetList({
        list: [{ guid: 'g', targetname: 'M 31', status: 1, statusop: 3, setname: 's', profilename: 'p' }],
      }),
    ).toEqual([
      {
        guid: 'g',
        name: 'M 31',
        tag: '',
        enabled: false,
        statusOp: 'no_ephemeris',
        setName: 's',
        setTag: '',
        profile: 'p',
      },
    ]);
    expect(readTargetList({ List: [{ guid: 'g', statusop: 77, status: '0' }] })[0]).toMatchObject({
      enabled: true,
      statusOp: 'unknown',
    });
    expect(readTargetList({ list: 'nothing' })).toEqual([]);
    const [utc, local, epoch] = readShotDoneList(
      {
        list: [
          {
            guid: 'a',
            datetimeshot: '2026-06-01 23:10:00',
            datetimeshotutc: '2026-06-01 21:10:00',
            hfd: 123456789,
            rating: -1,
            isdeleted: 'true',
            filterindex: -1,
          },
          { guid: 'b', datetimeshot: '2026-06-01 23:10:00', hfd: '2,5', rating: 4, refguidshot: 'r' },
          { guid: 'c', datetimeshot: 1780348200 },
        ],
      },
      7200,
    );
    expect(utc).toMatchObject({
      at: '2026-06-01T21:10:00.000Z',
      hfd: null,
      rating: null,
      deleted: true,
      filterIndex: null,
    });
    expect(local).toMatchObject({ at: '2026-06-01T21:10:00.000Z', hfd: 2.5, rating: 4, deleted: false, shotGuid: 'r' });
    expect(epoch).toMatchObject({ at: '2026-06-01T21:10:00.000Z' });
  });
  test('an older server’s local time has the offset of the moment it names, in summer, in winter and on the night between', () => {
    const at = (datetimeshot: string): string =>
      readShotDoneList({ list: [{ guid: 'a', datetimeshot }] }, 'Europe/Paris')[0]!.at;
    expect(at('2026-07-01 23:10:00')).toBe('2026-07-01T21:10:00.000Z');
    expect(at('2026-12-01 23:10:00')).toBe('2026-12-01T22:10:00.000Z');
    expect(at('2026-10-25 01:30:00')).toBe('2026-10-24T23:30:00.000Z');
    expect(at('2026-10-25 03:30:00')).toBe('2026-10-25T02:30:00.000Z');
    expect(at('not a time')).toBe('');
  });
});

describe('RoboTarget client', () => {
  const target = {
    GuidTarget: GUID,
    RefGuidSet: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    TargetName: 'M 31',
    RAJ2000: 0.7123,
    DECJ2000: 41.269,
    Status: 1,
    C_DateStart: 1_790_000_000,
    C_DateEnd: 1_790_003_600,
  };
  test('adds, lists, finds, changes status and removes in the shipped dialect, each line signed', async () => {
    const stored = new Map<string, Record<string, unknown>>();
    const { h, robo } = await client((m, c) => {
      const p = m.params ?? {};
      if (m.method === 'RemoteOpenRoboTargetAddTarget') stored.set(String(p.GuidTarget), p);
      else if (m.method === 'RemoteOpenRoboTargetSetObjectStatus') stored.get(String(p.ObjUID))!.Status = p.Status;
      else if (m.method === 'RemoteOpenRoboTargetRemoveTarget') stored.delete(String(p.RefGuidTarget));
      else if (m.method !== 'RemoteOpenRoboTargetGetTargetListForSet') return false;
      c.send(
        c.reply(m),
        c.result(m, { ParamRet: m.method.includes('Get') ? { list: [...stored.values()] } : { ret: 'DONE' } }),
      );
      return true;
    });
    expect(await robo.add('target', target)).toMatchObject({ outcome: 'done' });
    expect(await robo.setEnabled('target', GUID, true)).toMatchObject({ outcome: 'done' });
    const found = await robo.find('target', GUID.toUpperCase(), target.RefGuidSet);
    expect(found).toMatchObject({ ok: true, items: [{ TargetName: 'M 31', Status: 0 }] });
    expect(differences(target, (found as { items: Record<string, unknown>[] }).items[0]!)).toEqual([
      'Status: wanted 1, is 0',
    ]);
    expect(await robo.remove('target', GUID)).toMatchObject({ outcome: 'done' });
    expect(await robo.list('target', target.RefGuidSet)).toEqual({ ok: true, items: [] });
    for (const message of h.peer.last.received.slice(2)) {
      const p = message.params!;
      const covered = message.method!.includes('Get') ? target.RefGuidSet : GUID;
      expect([message.method, p.MAC]).toEqual([message.method, openMac('leonardo', String(p.UID), covered)]);
    }
  });
  test('an error text in the payload is a refusal', async () => {
    const { robo } = await client(
      (m, c) =>
        m.method === 'RemoteOpenRoboTargetAddTarget' &&
        (c.send(c.reply(m), c.result(m, { ParamRet: { ret: 'GUID already exists' } })), true),
    );
    expect(await robo.add('target', target)).toMatchObject({
      outcome: 'refused',
      how: 'payload',
      message: 'GUID already exists',
    });
  });
  test('a list that does not come says why', async () => {
    const { robo } = await client(
      (m, c) => m.method === 'RemoteOpenRoboTargetGetTargetList' && (c.send(c.error(m, 'MAC Error')), true),
    );
    expect(await robo.getTargetList()).toMatchObject({
      ok: false,
      outcome: { outcome: 'refused', how: 'reply', message: 'MAC Error' },
    });
  });
  test('a dialect in which every name, the mode and the signature differ', async () => {
    const json = JSON.parse(
      readFileSync(projectPath('gateway', 'robotarget', 'dialect.default.json'), 'utf8'),
    ) as ReturnType<typeof loadDialect>;
    json.signing = {
      param: 'Firma',
      template: '{secret}|{sessionKey}|{id}|{uid}|{guid}',
      digest: 'sha1',
      encoding: 'base64',
    };
    json.modes = [
      { method: 'RemoteOther', params: { Chiave: '{sessionKey}', On: true }, sign: '{secret}{sessionKey}{id}' },
    ];
    json.answer = { ret: 'esito', done: 'FATTO', list: 'elenco' };
    json.status = { enabled: 'A', disabled: 'S' };
    for (const [name, command] of Object.entries(json.commands)) {
      command.method = `X${name}`;
      delete command.sign;
    }
    for (const shape of Object.values(json.objects))
      for (const field of Object.keys(shape.fields)) shape.fields[field] = `f_${field}`;
    const file = join(folder, 'other.json');
    writeFileSync(file, JSON.stringify(json));
    const dialect = loadDialect(file);
    const { h, robo } = await client((m, c) => {
      if (m.method === 'Xtarget.add') c.send(c.reply(m), c.result(m, { ParamRet: { esito: 'FATTO' } }));
      else if (m.method === 'Xtarget.list')
        c.send(
          c.reply(m),
          c.result(m, { ParamRet: { elenco: [{ f_GuidTarget: GUID, f_Status: 'S', f_RAJ2000: 1.5 }] } }),
        );
      else if (m.method === 'RemoteOther') c.send(c.reply(m), c.result(m));
      else return false;
      return true;
    }, dialect);
    const { sessionKey } = h.link;
    const mode = h.peer.last.received[2]!;
    expect(mode).toMatchObject({ method: 'RemoteOther', params: { Chiave: sessionKey, On: true } });
    expect(mode.params!.Firma).toBe(
      sign(dialect, `leonardo${sessionKey}${mode.id}`, { secret: '', sessionKey: '', id: 0, uid: '' }),
    );
    expect(await robo.add('target', target)).toMatchObject({ outcome: 'done' });
    const added = h.peer.last.received.at(-1)!;
    expect(added.params).toMatchObject({ f_TargetName: 'M 31', f_Status: 'S' });
    expect(added.params!.Firma).toBe(
      sign(dialect, `leonardo|${sessionKey}|${added.id}|${String(added.params!.UID)}|${GUID}`, {
        secret: '',
        sessionKey: '',
        id: 0,
        uid: '',
      }),
    );
    expect(await robo.find('target', GUID, target.RefGuidSet)).toMatchObject({
      ok: true,
      items: [{ GuidTarget: GUID, Status: 1, RAJ2000: 1.5 }],
    });
    expect(h.peer.last.methods().filter((m) => m.startsWith('RemoteOpenRoboTarget'))).toEqual([]);
  });
  test('read-back compares what was wanted, in its own way for numbers, GUIDs and times', () => {
    expect(
      differences(
        { GuidTarget: 'ABC', RAJ2000: 1.0000001, C_DateEnd: 100, Enabled: true, Tag: '' },
        { GuidTarget: 'abc ', RAJ2000: '1', C_DateEnd: 100.9, Enabled: 'True', Tag: '', More: 1 },
      ),
    ).toEqual([]);
    expect(differences({ C_DateEnd: 100, Num: 3 }, { C_DateEnd: 3700 })).toEqual([
      'C_DateEnd: wanted 100, is 3700',
      'Num: wanted 3, is not there',
    ]);
  });
});
