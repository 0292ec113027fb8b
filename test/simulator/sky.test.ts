import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { fitsHeader, fitsPadding } from '../../simulator/camera/fits.ts';
import { Renderer } from '../../simulator/camera/renderer.ts';
import type { RenderRequest } from '../../simulator/camera/render.ts';
import { fieldOf, galactic, type FieldRequest } from '../../simulator/camera/deepsky.ts';
import { objectsNear } from '../../simulator/camera/objects.ts';
import { catalogueStars, clusterStars, fieldStars } from '../../simulator/camera/stars.ts';
import { Cooler } from '../../simulator/world/devices.ts';
import { dewPoint, Weather } from '../../simulator/world/weather.ts';
import { cleanUp, client, MIDNIGHT, observatory, plan, temporaryFolder, until, type Json } from './support.ts';

afterEach(cleanUp);

describe('stars', () => {
  test('Vega and Sirius stand where they are, as bright as they are; the field is the same from any pointing', () => {
    const near = (ra: number, dec: number): number => Math.min(...catalogueStars(ra, dec, 0.1).map((s) => s.mag));
    expect(near(279.2347, 38.7837)).toBeCloseTo(0.03, 1);
    expect(near(101.2872, -16.7161)).toBeCloseTo(-1.44, 1);
    const inside = (ra: number, dec: number) =>
      fieldStars(ra, dec, 1).filter((s) => s.ra > 10.4 && s.ra < 10.6 && s.dec > 41 && s.dec < 41.2);
    expect(inside(10.7, 41.2)).toEqual(inside(10.2, 40.9));
    expect(inside(10.7, 41.2).length).toBeGreaterThan(10);
    expect(fieldStars(0.01, 89.9, 0.5).every((s) => s.dec <= 90)).toBe(true);
  });
});

describe('objects', () => {
  const clear = { continuum: 1, ha: 1, oiii: 1, sii: 1 };
  const narrow = { continuum: 0.035, ha: 0.5, oiii: 0, sii: 0 };
  const field = (raDegrees: number, decDegrees: number, change: Partial<FieldRequest> = {}) =>
    fieldOf({
      raDegrees,
      decDegrees,
      width: 60,
      height: 60,
      arcsecPerPixel: 20,
      exposureSeconds: 120,
      light: clear,
      ...change,
    });
  /** ADU per second and pixel at an offset from the frame's centre, in pixels to the right and down. */
  const at = (f: ReturnType<typeof field>, right: number, down: number): number =>
    f.values[
      Math.round((down + f.dy) / f.step + f.rows / 2) * f.columns + Math.round((right + f.dx) / f.step + f.columns / 2)
    ]!;

  test('what the catalogue has stands where it is, whatever the target is called', () => {
    expect(objectsNear(202.47, 47.2, 0.3).map((o) => [o.designation, o.look])).toEqual(
      expect.arrayContaining([
        ['M 51', 'spiral'],
        ['NGC 5195', 'elliptical'],
      ]),
    );
    expect(objectsNear(359.99, 0, 0.5)).toEqual(objectsNear(-0.01, 0, 0.5));
    expect(Math.hypot(galactic(266.405, -28.936).l, galactic(266.405, -28.936).b)).toBeLessThan(0.01);
    expect(galactic(192.86, 27.13).b).toBeCloseTo(90, 1);
  });
  test('the core of M 31 outshines its disk; a frame turned away from it has none of it', () => {
    const m31 = field(10.6847, 41.2687);
    expect(at(m31, 0, 0)).toBeGreaterThan(5 * at(m31, 28, 28));
    expect(at(field(10.6847, 36), 0, 0)).toBeLessThan(at(m31, 0, 0) / 100);
  });
  test('the same sky from two pointings, one grid for both when they are near', () => {
    const first = field(10.68, 41.2687);
    const second = field(10.68, 41.2687 + (40 * 2) / 3600);
    expect(at(second, 10, 6)).toBe(at(first, 10, 2));
    expect(field(10.681, 41.2688).values === first.values).toBe(true);
    expect([...field(10.68, 41.2687).values.subarray(0, 500)]).toEqual([...first.values.subarray(0, 500)]);
  });
  test('gas keeps its light in a narrow filter, galaxies lose theirs; short exposures are lifted, what is bright is not', () => {
    const share = (ra: number, dec: number): number =>
      at(field(ra, dec, { light: narrow }), 0, 0) / at(field(ra, dec), 0, 0);
    expect(share(83.822, -5.391)).toBeGreaterThan(0.2);
    expect(share(10.6847, 41.2687)).toBeCloseTo(0.035, 3);
    const lift = (right: number, down: number): number =>
      at(field(10.6847, 41.2687, { exposureSeconds: 5 }), right, down) / at(field(10.6847, 41.2687), right, down);
    expect(lift(0, 0)).toBeLessThan(3);
    expect(lift(28, 28)).toBeGreaterThan(7);
    expect(at(field(10.6847, 41.2687, { exposureSeconds: 300 }), 0, 0)).toBe(at(field(10.6847, 41.2687), 0, 0));
  });
  test('a globular cluster comes as stars that crowd its centre and hold the share of its light that they should', () => {
    const stars = clusterStars(250.4235, 36.4613, 0.05);
    const within = (arcmin: number): number =>
      stars.filter(
        (s) => Math.hypot((s.ra - 250.4235) * Math.cos((36.4613 * Math.PI) / 180), s.dec - 36.4613) * 60 < arcmin,
      ).length;
    expect(within(1.5) / within(3)).toBeGreaterThan(0.4);
    const flux = stars.reduce((sum, s) => sum + 10 ** (-0.4 * (s.mag - 5.8)), 0);
    expect(flux).toBeGreaterThan(0.45);
    expect(flux).toBeLessThan(0.7);
    expect(Math.min(...stars.map((s) => s.mag))).toBeGreaterThan(11.9);
  });
  test('grids are bounded: a frame of 61 megapixels stays under 17 MB, and of many targets only the last are kept', () => {
    const full = { width: 9576, height: 6388, arcsecPerPixel: 0.97 };
    const large = field(100, 20, full);
    expect(large.values.byteLength).toBeLessThan(17e6);
    expect(field(100, 20, full).values === large.values).toBe(true);
    field(120, 20, full);
    expect(field(100, 20, full).values === large.values).toBe(false);
  });
});

describe('FITS', () => {
  test('header: 80-column cards in whole blocks, quotes doubled, numbers to column 30', () => {
    const header = fitsHeader(10, 20, [
      { key: 'OBJECT', value: "Barnard's" },
      { key: 'EXPTIME', value: 2, decimals: 3, comment: 'seconds' },
    ]).toString('latin1');
    expect(header.length).toBe(2880);
    const cards = header.match(/.{80}/g)!.map((c) => c.trimEnd());
    expect(cards.slice(0, 10)).toEqual([
      'SIMPLE  =                    T / file conforms to FITS standard',
      'BITPIX  =                   16',
      'NAXIS   =                    2',
      'NAXIS1  =                   10',
      'NAXIS2  =                   20',
      'BZERO   =                32768',
      'BSCALE  =                    1',
      "OBJECT  = 'Barnard''s'",
      'EXPTIME =                2.000 / seconds',
      'END',
    ]);
    expect(fitsPadding(400)).toBe(2480);
  });
  const request = (path: string, change: Partial<RenderRequest> = {}): RenderRequest => ({
    path,
    cards: [],
    width: 300,
    height: 200,
    bayer: false,
    raDegrees: 83.8,
    decDegrees: -5.4,
    paDegrees: 0,
    arcsecPerPixel: 2,
    fwhmPixels: 3,
    exposureSeconds: 10,
    transmission: 1,
    light: { continuum: 1, ha: 1, oiii: 1, sii: 1 },
    skyRate: 3,
    transparency: 1,
    type: 0,
    temperatureCelsius: -10,
    seed: 's',
    jpegPixels: 100,
    ...change,
  });
  const pixelsOf = (path: string): Uint16Array => {
    const bytes = readFileSync(path).subarray(2880);
    return Uint16Array.from({ length: 60_000 }, (_, i) => bytes.readInt16BE(i * 2) + 32_768);
  };
  const median = (values: Uint16Array): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  test('pixels: bias, sky, noise and stars have the values they should; the file says what the answer says', async () => {
    const renderer = new Renderer();
    try {
      const folder = temporaryFolder();
      const [light, bias, cloudy] = ['light.fit', 'bias.fit', 'cloudy.fit'].map((n) => join(folder, n)) as [
        string,
        string,
        string,
      ];
      const answer = await renderer.render(request(light));
      await renderer.render(request(bias, { type: 1, exposureSeconds: 0.001 }));
      const dim = await renderer.render(request(cloudy, { transparency: 0.1 }));
      const [p, b] = [pixelsOf(light), pixelsOf(bias)];
      expect(readFileSync(light).length).toBe(2880 + 120_000 + fitsPadding(120_000));
      expect([Math.min(...p), Math.max(...p)]).toEqual([answer.min, answer.max]);
      expect(p.reduce((s, v) => s + v, 0) / p.length).toBeCloseTo(answer.mean, 1);
      expect(median(b)).toBeGreaterThanOrEqual(498);
      expect(median(b)).toBeLessThanOrEqual(502);
      expect(Math.sqrt(b.filter((v) => v < 600).reduce((s, v) => s + (v - 500) ** 2, 0) / b.length)).toBeGreaterThan(5);
      expect(median(p)).toBeGreaterThan(515);
      expect(answer.stars).toBeGreaterThan(20);
      expect(dim.stars).toBeLessThan(answer.stars);
      expect(answer.hfd).toBeGreaterThan(2.8);
      expect(answer.hfd).toBeLessThan(3.2);
      expect(Buffer.from(answer.jpeg!).subarray(0, 3).toString('hex')).toBe('ffd8ff');
      expect([answer.jpegWidth, answer.jpegHeight]).toEqual([100, 66]);
      const again = await renderer.render(request(join(folder, 'again.fit')));
      expect({ ...again, jpeg: null }).toEqual({ ...answer, jpeg: null });
      expect(readFileSync(join(folder, 'again.fit')).equals(readFileSync(light))).toBe(true);
      const shown = await renderer.preview(light, 100);
      expect([shown!.jpegWidth, shown!.jpegHeight]).toEqual([100, 66]);
      writeFileSync(join(folder, 'broken.fit'), 'no FITS');
      expect(await renderer.preview(join(folder, 'broken.fit'), 100)).toBeNull();
      await expect(renderer.render(request('/no/such/folder/x.fit'))).rejects.toThrow('camera: ENOENT');
    } finally {
      await renderer.stop();
    }
  });
  test('a frame of full size is drawn beside the main thread, which goes on with its own', async () => {
    const renderer = new Renderer();
    try {
      await renderer.render(request(join(temporaryFolder(), 'first.fit')));
      let ticks = 0;
      const timer = setInterval(() => ticks++, 10);
      await renderer.render(
        request(join(temporaryFolder(), 'full.fit'), { width: 3008, height: 3008, jpegPixels: 1000 }),
      );
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(5);
    } finally {
      await renderer.stop();
    }
  });
  test('the folder’s files are handed out in name order, byte for byte, broken ones too, from the start again, under names of their own', async () => {
    const fitsDir = temporaryFolder();
    const contents = {
      'a.fits': Buffer.from('not FITS at all'),
      'b.fit': Buffer.concat([fitsHeader(4, 4, []), Buffer.alloc(2880)]),
      'c.fits.fz': Buffer.from('x'.repeat(5000)),
      'readme.txt': Buffer.from('no'),
    };
    for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(fitsDir, name), bytes);
    const sim = await observatory({ fitsDir });
    const c = await client(sim);
    plan(sim, { shots: [{ num: 4, exposure: 0.05 }] });
    const lights = (): Json[] => c.events('NewFITReady').filter((e) => e.VoyType === 'SHOT');
    await until(() => lights().length === 4, 10_000, 'four files');
    const files = lights().map((e) => String(e.File).slice('C:\\Voyager\\FITS\\'.length).split('\\'));
    expect(files.map((f) => f.at(-1))).toEqual(['a.fits', 'b.fit', 'c.fits.fz', 'a_2.fits']);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(files.map((f) => hash(readFileSync(join(sim.world.options.dataDir, 'fits', ...f))))).toEqual(
      [contents['a.fits'], contents['b.fit'], contents['c.fits.fz'], contents['a.fits']].map(hash),
    );
    expect(readdirSync(join(sim.world.options.dataDir, 'tmp'))).toEqual([]);
  });
});

describe('weather and devices', () => {
  test('a seed’s weather is a pure function of time, fair by itself, and does as it is told', () => {
    const site = { latitude_degrees: 45, longitude_degrees: 0, elevation_meters: 0 };
    let now = MIDNIGHT;
    const [a, b, other] = [
      new Weather('x', site, () => now),
      new Weather('x', site, () => now),
      new Weather('y', site, () => now),
    ];
    for (let hour = 0; hour < 48; hour++) {
      now = MIDNIGHT + hour * 1_800_000;
      expect(a.conditions()).toEqual(b.conditions());
      expect([a.safe, a.emergency()]).toEqual([true, null]);
      expect(a.conditions().cloud_percent).toBeLessThan(30);
    }
    expect(other.conditions()).not.toEqual(a.conditions());
    expect(a.set({ rain_rate: 1, nonsense: 3, safe: 1 })).toEqual(['nonsense', 'safe']);
    expect(a.set({ rain_rate: 1 })).toEqual([]);
    expect(a.categories().rain).toBe('RAIN');
    a.set({ rain_rate: null });
    expect(a.categories().rain).toBe('DRY');
    expect(dewPoint(20, 50)).toBeCloseTo(9.26, 1);
  });
  test('the sensor cools exponentially towards its set point', () => {
    let now = 0;
    const cooler = new Cooler(
      () => now,
      () => 10,
      20,
    );
    cooler.set({ cooling: false, warming: true });
    expect(cooler.status().code).toBe(7);
    now += 20_000;
    expect(cooler.temperature()).toBeCloseTo(10 - 20 / Math.E, 3);
    now += 400_000;
    expect(cooler.status()).toMatchObject({ code: 8, power: 0, cooling: false });
    cooler.set({ setPoint: -15, cooling: true });
    expect(cooler.status().code).toBe(4);
    now += 400_000;
    expect(cooler.status()).toMatchObject({ code: 5, setPoint: -15 });
  });
});

describe('ASCOM Alpaca', () => {
  const ask = async (url: string, init?: RequestInit): Promise<{ status: number; body: Json }> => {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as Json) : { text } };
  };
  test('real envelopes, case-insensitive names in queries, error numbers, 400 for what does not exist', async () => {
    const sim = await observatory({ alpacaPort: 0, robotargetRunning: false });
    const api = `${sim.alpacaUrl}/api/v1`;
    expect((await ask(`${sim.alpacaUrl}/management/v1/configureddevices`)).body.Value).toHaveLength(2);
    const temperature = await ask(`${api}/observingconditions/0/temperature?CLIENTtransactionID=77`);
    expect(temperature).toEqual({
      status: 200,
      body: {
        Value: expect.any(Number),
        ClientTransactionID: 77,
        ServerTransactionID: expect.any(Number),
        ErrorNumber: 0,
        ErrorMessage: '',
      },
    });
    expect((await ask(`${api}/safetymonitor/0/issafe`)).body).toMatchObject({ Value: true, ErrorNumber: 0 });
    expect((await ask(`${api}/observingconditions/0/skybrightness`)).body).toMatchObject({ ErrorNumber: 0x400 });
    expect((await ask(`${api}/observingconditions/0/sensordescription?SensorName=x`)).body).toMatchObject({
      ErrorNumber: 0x401,
    });
    expect((await ask(`${api}/safetymonitor/1/issafe`)).status).toBe(400);
    expect(
      (
        await ask(`${api}/observingconditions/0/refresh`, {
          method: 'PUT',
          body: new URLSearchParams({ ClientTransactionID: '5' }),
        })
      ).body,
    ).toMatchObject({
      ClientTransactionID: 5,
      ErrorNumber: 0,
    });
    expect((await ask(`${sim.alpacaUrl}/elsewhere`)).status).toBe(404);
    sim.inject({
      kind: 'weather',
      values: { wind_meters_per_second: 12.5, safe: false, weather_station_connected: true },
    });
    expect((await ask(`${api}/observingconditions/0/windspeed`)).body.Value).toBe(12.5);
    expect((await ask(`${api}/safetymonitor/0/issafe`)).body.Value).toBe(false);
    sim.inject({ kind: 'weather_station_gone' });
    expect((await ask(`${api}/observingconditions/0/windspeed`)).body).toMatchObject({ ErrorNumber: 0x407 });
    sim.inject({ kind: 'alpaca_down' });
    await expect(fetch(`${api}/observingconditions/0/windspeed`)).rejects.toThrow('fetch failed');
  });
});

describe('control', () => {
  test('state, log, weather, faults; wrong input is 422 and names what is wrong', async () => {
    const sim = await observatory({ controlPort: 0 });
    const url = sim.controlUrl!;
    const post = async (path: string, body: unknown): Promise<{ status: number; body: Json }> => {
      const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Json };
    };
    expect((await (await fetch(`${url}/state`)).json()) as Json).toMatchObject({
      ok: true,
      port: sim.port,
      emergency: null,
      robotarget: { dragscript: 'RoboTarget.vos' },
    });
    expect((await post('/weather', { cloud_percent: 50 })).body).toHaveProperty('weather.cloud', 'CLOUDY');
    expect(await post('/weather', { clouds: 50 })).toEqual({
      status: 422,
      body: { error: expect.stringContaining('clouds') },
    });
    expect(await post('/faults', { kind: 'nothing' })).toEqual({
      status: 422,
      body: { error: expect.stringContaining('kind') },
    });
    expect((await post('/faults', [{ kind: 'profile_changed', profile: 'X.v2y' }])).body).toEqual({ steps: 1 });
    const log = (await (await fetch(`${url}/log?after=0`)).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(log.map((e) => e.effect)).toContain('fault');
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    const c = await client(sim);
    expect((await post('/shutdown', { for_seconds: 0 })).status).toBe(202);
    await until(() => c.closed, 1000, 'closed');
    expect(c.messages.at(-1)).toMatchObject({ Event: 'ShutDown' });
  });
});
