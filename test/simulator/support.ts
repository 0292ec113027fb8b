import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCommand, loadDialect, type DialectCommandName } from '../../gateway/robotarget/dialect.ts';
import { ManualClock } from '../../platform/clock.ts';
import { createObservatory, type Observatory } from '../../simulator/observatory.ts';
import { DEFAULT_OVERHEADS, type ObservatoryOptions, type Overheads } from '../../simulator/options.ts';

export type Json = Record<string, unknown>;
export const SECRET = 'leonardo';

/** Local midnight at longitude 0 in winter: dark for hours either way. */
export const MIDNIGHT = Date.UTC(2026, 0, 15, 0, 0, 0);

const folders: string[] = [];
const running: Observatory[] = [];
const clients: RawClient[] = [];
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  folders.push(folder);
  return folder;
}
export async function cleanUp(): Promise<void> {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(running.splice(0).map((o) => o.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
function quick(): Overheads {
  const shorter = { ...DEFAULT_OVERHEADS };
  for (const name of Object.keys(shorter) as (keyof Overheads)[]) shorter[name] /= 8;
  return shorter;
}
/** A small, quick observatory; RoboTarget runs, nothing is planned yet. */
export async function observatory(options: Partial<ObservatoryOptions> = {}): Promise<Observatory> {
  const made = await createObservatory({
    dataDir: temporaryFolder(),
    camera: { width: 200, height: 160, bayer: false },
    robotargetSecret: SECRET,
    controlPort: null,
    alpacaPort: null,
    overheads: quick(),
    ...options,
  });
  running.push(made);
  return made;
}

/** The same under a clock that only the test moves. */
export async function virtualObservatory(
  options: Partial<ObservatoryOptions> = {},
  start = MIDNIGHT,
): Promise<{ clock: ManualClock; sim: Observatory }> {
  const clock = new ManualClock(start);
  const sim = await observatory({
    clock,
    overheads: DEFAULT_OVERHEADS,
    site: { latitude_degrees: 45, longitude_degrees: 0, elevation_meters: 0 },
    ...options,
  });
  return { clock, sim };
}
/** Lets sockets, threads and promises do what is due before time goes on. */
export async function breathe(turns = 3): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
/** Frames are drawn in real time: the clock stands still meanwhile. */
async function drawn(): Promise<void> {
  while (running.some((o) => o.world.camera.drawing)) await new Promise((resolve) => setTimeout(resolve, 2));
}
/** Moves the clock in small steps, with room for promises between them. */
export async function run(clock: ManualClock, seconds: number, step = 0.1): Promise<void> {
  for (let left = Math.round(seconds / step); left > 0; left--) {
    await drawn();
    clock.advance(step * 1000);
    await breathe(1);
  }
  await breathe();
}
/** Moves the clock until the condition holds. @throws after `seconds` of the clock */
export async function runUntil(
  clock: ManualClock,
  condition: () => boolean,
  seconds: number,
  what: string,
): Promise<void> {
  for (let t = 0; t < seconds * 10; t++) {
    if (condition()) return;
    await drawn();
    clock.advance(100);
    await breathe(2);
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}
export async function until(condition: () => boolean, milliseconds: number, what: string): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A client that trusts nothing: raw chunks, raw lines, parsed messages. */
export class RawClient {
  readonly chunks: Buffer[] = [];
  readonly lines: string[] = [];
  readonly messages: Json[] = [];
  closed = false;
  private text = '';
  private id = 0;
  private readonly socket: Socket;
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.text += chunk.toString('utf8');
      for (let at = this.text.indexOf('\r\n'); at >= 0; at = this.text.indexOf('\r\n')) {
        const line = this.text.slice(0, at);
        this.text = this.text.slice(at + 2);
        this.lines.push(line);
        try {
          this.messages.push(JSON.parse(line) as Json);
        } catch {
          this.messages.push({ unreadable: line });
        }
      }
    });
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => (this.closed = true));
  }
  write(text: string): void {
    this.socket.write(text);
  }
  destroy(): void {
    this.socket.destroy();
  }
  polling(): void {
    this.write('{"Event":"Polling","Timestamp":1,"Host":"T","Inst":1}\r\n');
  }
  send(method: string, params?: Json): number {
    const id = ++this.id;
    this.write(`${JSON.stringify({ method, ...(params ? { params } : {}), id })}\r\n`);
    return id;
  }
  events(name: string): Json[] {
    return this.messages.filter((m) => m.Event === name);
  }
  reply(id: number): Json | undefined {
    return this.messages.find((m) => m.id === id);
  }
  result(uid: string): Json | undefined {
    return this.messages.find((m) => m.Event === 'RemoteActionResult' && m.UID === uid);
  }
  /** Reply and result of one request; the clock must run by itself. */
  async ask(method: string, params: Json = {}): Promise<{ reply: Json; result: Json }> {
    const uid = `u-${this.id + 1}-${method}`;
    const id = this.send(method, { UID: uid, ...params });
    await until(
      () => this.reply(id)?.error !== undefined || (this.reply(id) !== undefined && this.result(uid) !== undefined),
      5_000,
      `answer to ${method}`,
    );
    return { reply: this.reply(id)!, result: this.result(uid) ?? {} };
  }
  async open(method: string, params: Json = {}, signed = ''): Promise<Json> {
    const uid = `u-${this.id + 1}`;
    const MAC = createHash('md5').update(`${SECRET}${uid}${signed}`).digest('hex');
    const id = this.send(`RemoteOpenRoboTarget${method}`, { UID: uid, ...params, MAC });
    await until(
      () => this.reply(id)?.error !== undefined || this.result(uid) !== undefined,
      5_000,
      `answer to ${method}`,
    );
    return (this.result(uid)?.ParamRet ?? this.reply(id)) as Json;
  }
  async reserved(
    name: DialectCommandName,
    given: { guid?: string; parentGuid?: string; status?: number; objectType?: number; body?: Json },
  ): Promise<Json> {
    const uid = `u-${this.id + 1}`;
    const { method, params } = encodeCommand(
      loadDialect(),
      name,
      { secret: SECRET, sessionKey: '', id: this.id + 1, uid, ...given },
      given.body,
    );
    const id = this.send(method, params);
    await until(
      () => this.reply(id)?.error !== undefined || this.result(uid) !== undefined,
      5_000,
      `answer to ${name}`,
    );
    return (this.result(uid)?.ParamRet ?? this.reply(id)) as Json;
  }
}
/** Connected and greeted: the Version event is there. */
export async function client(sim: Observatory): Promise<RawClient> {
  const socket = connectTcp(sim.port, '127.0.0.1');
  const made = new RawClient(socket);
  clients.push(made);
  await until(() => made.messages.length > 0 || made.closed, 3_000, 'Version');
  return made;
}

export interface PlanOptions {
  name?: string;
  ra?: number;
  dec?: number;
  enabled?: boolean;
  start?: number;
  end?: number;
  priority?: number;
  created?: number;
  altMin?: number;
  haStart?: number;
  haEnd?: number;
  shots?: { filter?: number; exposure?: number; num?: number; order?: number }[];
}
let plans = 0;
/** Puts a set with one target and its shots straight into RoboTarget's database. Default: 1 h before the meridian, high, from now for an hour. */
export function plan(sim: Observatory, options: PlanOptions = {}): { set: string; target: string; shots: string[] } {
  const n = ++plans;
  const guid = (part: number): string =>
    `${String(n).padStart(8, '0')}-0000-4000-8000-${String(part).padStart(12, '0')}`;
  const now = Math.floor(sim.world.now() / 1000);
  const dec = options.dec ?? 40;
  const { store, mount } = sim.world;
  store.put('sets', guid(1), {
    Guid: guid(1),
    Name: `Set ${n}`,
    ProfileName: 'Default.v2y',
    Status: 0,
    Tag: `tag ${n}`,
  });
  store.put('targets', guid(2), {
    GuidTarget: guid(2),
    RefGuidSet: guid(1),
    RefGuidBaseSequence: sim.world.options.sequenceGuid,
    TargetName: options.name ?? `Target ${n}`,
    RAJ2000: options.ra ?? mount.raAtHourAngle(-1, dec),
    DECJ2000: dec,
    PA: 0,
    DateCreation: options.created ?? now,
    Status: options.enabled === false ? 1 : 0,
    Priority: options.priority ?? 2,
    IsRepeat: true,
    Repeat: 1,
    C_Mask: 'BDE',
    C_AltMin: options.altMin ?? 30,
    C_HAStart: options.haStart ?? -3,
    C_HAEnd: options.haEnd ?? 3,
    C_DateStart: options.start ?? now,
    C_DateEnd: options.end ?? now + 3600,
    Tag: '',
  });
  const shots = (options.shots ?? [{}]).map((shot, i) => {
    store.put('shots', guid(10 + i), {
      GuidShot: guid(10 + i),
      RefGuidTarget: guid(2),
      FilterIndex: shot.filter ?? 0,
      Num: shot.num ?? 2,
      Bin: 1,
      ReadoutMode: 0,
      Type: 0,
      Speed: 0,
      Gain: 100,
      Offset: 10,
      Exposure: shot.exposure ?? 0.3,
      Order: shot.order ?? i + 1,
      Enabled: true,
    });
    return guid(10 + i);
  });
  sim.world.roboTarget.wake();
  return { set: guid(1), target: guid(2), shots };
}
export const effects = (sim: Observatory): string[] =>
  sim.log.entries.filter((e) => e.effect !== null).map((e) => e.effect!);
