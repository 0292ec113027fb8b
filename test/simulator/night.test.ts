import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cleanUp, client, effects, observatory, until } from './support.ts';

afterEach(cleanUp);

const SET = '11111111-0000-4000-8000-000000000001';
const TARGET = '11111111-0000-4000-8000-000000000002';
const SHOT = '11111111-0000-4000-8000-000000000003';

describe('a small night over the wire', () => {
  test('set, target and shot are made, the target is enabled, three frames come, their records and headers agree', async () => {
    const sim = await observatory();
    const c = await client(sim);
    expect((await c.ask('RemoteSetDashboardMode', { IsOn: true })).result).toMatchObject({
      ActionResultInt: 4,
      ParamRet: {},
    });
    await c.ask('RemoteSetLogEvent', { IsOn: true, Level: 0 });
    const now = Math.floor(Date.now() / 1000);
    expect(
      await c.reserved('set.add', {
        guid: SET,
        body: {
          Guid: SET,
          Name: 'User_7_Booking_12',
          ProfileName: 'Default.v2y',
          Status: 0,
          Tag: 'stellar_booking_12',
        },
      }),
    ).toEqual({
      ret: 'DONE',
    });
    expect(
      await c.reserved('target.add', {
        guid: TARGET,
        parentGuid: SET,
        body: {
          GuidTarget: TARGET,
          RefGuidSet: SET,
          RefGuidBaseSequence: sim.world.options.sequenceGuid,
          TargetName: 'M 31',
          RAJ2000: sim.world.mount.raAtHourAngle(-1, 41.2),
          DECJ2000: 41.2,
          PA: 0,
          DateCreation: now,
          Status: 1,
          Priority: 2,
          IsRepeat: true,
          Repeat: 1,
          C_Mask: 'BDE',
          C_AltMin: 30,
          C_HAStart: -3,
          C_HAEnd: 3,
          C_DateStart: now - 5,
          C_DateEnd: now + 600,
        },
      }),
    ).toEqual({ ret: 'DONE' });
    expect(
      await c.reserved('shot.add', {
        guid: SHOT,
        parentGuid: TARGET,
        body: {
          GuidShot: SHOT,
          RefGuidTarget: TARGET,
          FilterIndex: 1,
          Num: 3,
          Bin: 1,
          ReadoutMode: 0,
          Type: 0,
          Speed: 0,
          Gain: 100,
          Offset: 10,
          Exposure: 0.3,
          Order: 1,
          Enabled: true,
        },
      }),
    ).toEqual({ ret: 'DONE' });
    expect(effects(sim)).not.toContain('sequence.start');
    expect(await c.reserved('target.status', { guid: TARGET, status: 0, objectType: 1 })).toEqual({ ret: 'DONE' });

    await until(() => effects(sim).includes('target.finished'), 15_000, 'the target is finished');
    await until(() => c.events('NewJPGReady').length >= 4, 3_000, 'pictures of the frames');
    const lights = c.events('NewFITReady').filter((e) => e.VoyType === 'SHOT');
    expect(lights.map((e) => [e.Type, e.SeqTarget])).toEqual([0, 0, 0].map((t) => [t, 'M 31']));
    const list = (await c.open('GetShotDoneList', { RefGuidTarget: TARGET, IsDeleted: false }, TARGET)).list as Record<
      string,
      unknown
    >[];
    expect(list.map((d) => d.path)).toEqual(lights.map((e) => e.File));
    expect(
      list.every((d) => d.refguidshot === SHOT && d.exposure === 0.3 && d.filterindex === 1 && d.isdeleted === false),
    ).toBe(true);
    expect(Object.keys(list[0]!).sort()).toEqual(
      [
        'bin',
        'datetimeshot',
        'datetimeshotutc',
        'exposure',
        'filename',
        'filterindex',
        'guid',
        'hfd',
        'isdeleted',
        'max',
        'mean',
        'min',
        'path',
        'rating',
        'refguidsession',
        'refguidshot',
        'starindex',
      ].sort(),
    );
    const targets = (await c.open('GetTargetList')).list;
    expect(targets).toEqual([
      {
        guid: TARGET,
        targetname: 'M 31',
        tag: '',
        datecreation: now,
        status: 0,
        statusop: 2,
        setname: 'User_7_Booking_12',
        settag: 'stellar_booking_12',
        profilename: 'Default.v2y',
      },
    ]);

    for (const [i, light] of lights.entries()) {
      const path = join(
        sim.world.options.dataDir,
        'fits',
        ...String(light.File).slice('C:\\Voyager\\FITS\\'.length).split('\\'),
      );
      const header = readFileSync(path).toString('latin1', 0, 5760);
      expect(header).toContain(`RTSHOT  = '${String(list[i]!.guid)}'`);
      expect(header).toContain("FILTER  = 'R       '");
      expect(header).toContain("RTSETTAG= 'stellar_booking_12'");
      expect(statSync(path).size % 2880).toBe(0);
    }
    const jpg = c.events('NewJPGReady').find((e) => e.File === lights[0]!.File)!;
    expect(Object.keys(jpg)).toEqual([
      'Event',
      'Timestamp',
      'Host',
      'Inst',
      'File',
      'SequenceTarget',
      'TimeInfo',
      'TimeInfoUTC',
      'Expo',
      'Bin',
      'Filter',
      'HFD',
      'StarIndex',
      'PixelDimX',
      'PixelDimY',
      'Base64Data',
    ]);
    expect(String(jpg.Base64Data).startsWith('/9j/')).toBe(true);
    expect(jpg).toMatchObject({ Filter: 'R', Bin: 1, Expo: 0.3, SequenceTarget: 'M 31' });
    expect(c.events('AutoFocusResult')[0]).toMatchObject({ IsEmpty: 'false', Done: true, LastError: '' });
    const shotStates = c.events('ShotRunning').map((e) => e.Status);
    expect([...new Set(shotStates)].sort((a, b) => Number(a) - Number(b))).toEqual([0, 1, 2, 3]);
    const logs = c.events('LogEvent').map((e) => String(e.Text));
    for (const text of [
      'First Precise Pointing to Target',
      'Focus Requested, Start Procedure',
      'Guide Star Acquire',
      'Start Guiding',
      'Cooling Check',
      'Start Dithering',
      'Sequence Done',
    ])
      expect(logs).toContain(text);
    expect(sim.log.entries.filter((e) => e.repeated_effect)).toEqual([]);
    expect(sim.world.mount.tracking).toBe(false);
  });

  test('a target without dates, by a dialect that leaves fields out, runs with the defaults', async () => {
    const sim = await observatory();
    const c = await client(sim);
    await c.reserved('set.add', { guid: SET, body: { Guid: SET, Name: 'Plain', Status: 0 } });
    const body = {
      GuidTarget: TARGET,
      RefGuidSet: SET,
      RefGuidBaseSequence: sim.world.options.sequenceGuid,
      TargetName: 'Plain',
      RAJ2000: sim.world.mount.raAtHourAngle(-1, 41.2),
      DECJ2000: 41.2,
    };
    expect(await c.reserved('target.add', { guid: TARGET, body })).toEqual({ ret: 'DONE' });
    expect(
      await c.reserved('shot.add', {
        guid: SHOT,
        body: { GuidShot: SHOT, RefGuidTarget: TARGET, FilterIndex: 0, Num: 1, Exposure: 0.1 },
      }),
    ).toEqual({ ret: 'DONE' });
    await until(() => effects(sim).includes('target.finished'), 15_000, 'finished');
    expect((await c.reserved('shot.list', { parentGuid: TARGET })).list).toMatchObject([
      { GuidShot: SHOT, Done: 1, Bin: 1, Enabled: true },
    ]);
    expect((await c.reserved('target.list', { parentGuid: SET })).list).toMatchObject([
      { ...body, Priority: 2, Status: 0 },
    ]);
  });
});
