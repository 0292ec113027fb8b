import { randomUUID } from 'node:crypto';
import type { RequestOutcome, VoyagerLink, VoyagerRequest } from '../connection/link.ts';
import { asText, type JsonObject, readNumber } from '../protocol/fields.ts';
import { type Dialect, type DialectOp, decodeObject, encodeCommand, encodeObject, type ObjectKind } from './dialect.ts';
import type { Zone } from '../telescope/timezone.ts';
import {
  buildOpenRequest,
  listOf,
  type OpenCommand,
  type OpenShotDone,
  type OpenTarget,
  readShotDoneList,
  readTargetList,
} from './open.ts';

/** Items of a read, or the outcome that says why there are none. */
export type ReadOutcome<T> =
  | { ok: true; items: T[] }
  | { ok: false; outcome: Exclude<RequestOutcome, { outcome: 'done' }> };

const LIST_MS = 180_000;
const WRITE_MS = 30_000;

export interface RoboTargetClientOptions {
  link: Pick<VoyagerLink, 'request'>;
  dialect: Dialect;
  /** Shared secret of RoboTarget; without it the open commands throw a UsageError. */
  secret: string | null;
  /** The site's time zone, for dialects and servers that write local time. */
  zone?: () => Zone;
}

/**
 * Sets, targets and shots of RoboTarget in the roadmap's field names and units (domain/contracts/robotarget.ts), spoken in the dialect.
 * Every call is one line, sent once: an `unknown` outcome is read back by the caller, never sent again from here.
 */
export class RoboTargetClient {
  private readonly options: RoboTargetClientOptions;
  private readonly dialect: Dialect;
  constructor(options: RoboTargetClientOptions) {
    this.options = options;
    this.dialect = options.dialect;
  }
  private zone(): Zone {
    return this.options.zone?.() ?? 0;
  }
  /** An object as it comes back from a wire that keeps it: in the hour that comes twice a local time is both of its instants. */
  asWritten(kind: ObjectKind, object: JsonObject): JsonObject {
    const wire = encodeObject(this.dialect, kind, object, this.zone());
    return { ...object, ...decodeObject(this.dialect, kind, wire, this.zone()) };
  }

  /** The line of a command, unsent, so that several can go in one write (stop ladder). */
  buildRequest(
    kind: ObjectKind,
    op: DialectOp,
    with_: { guid?: string; parentGuid?: string; enabled?: boolean; body?: JsonObject } = {},
  ): VoyagerRequest {
    const { dialect } = this;
    const shape = dialect.objects[kind];
    const { body } = with_;
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
    const context = {
      secret: this.options.secret ?? '',
      guid: with_.guid ?? text(body?.[shape.id]),
      parentGuid: with_.parentGuid ?? (shape.parent === null ? undefined : text(body?.[shape.parent])),
      status: with_.enabled === undefined ? undefined : dialect.status[with_.enabled ? 'enabled' : 'disabled'],
      objectType: dialect.object_types[kind],
      name: text(body?.Name) ?? text(body?.TargetName),
    };
    const uid = randomUUID();
    const encode = (wire: { id: number; uid: string; sessionKey: string }) =>
      encodeCommand(dialect, `${kind}.${op}`, { ...context, ...wire }, body, this.zone());
    const { method, params } = encode({ id: 0, uid, sessionKey: '' });
    return {
      method,
      params,
      uid,
      timeoutMs: op === 'list' ? LIST_MS : WRITE_MS,
      answer: 'result',
      sign: (wire) => encode(wire).params,
    };
  }

  /** Sets, targets of a set, or shots of a target. */
  async list(kind: ObjectKind, parentGuid?: string): Promise<ReadOutcome<JsonObject>> {
    const outcome = await this.options.link.request(this.buildRequest(kind, 'list', { parentGuid }));
    if (outcome.outcome !== 'done') return { ok: false, outcome };
    const zone = this.zone();
    return {
      ok: true,
      items: listOf(outcome.paramRet, this.dialect.answer.list).map((raw) =>
        decodeObject(this.dialect, kind, raw, zone),
      ),
    };
  }
  /** One object read back from its list; `items` is empty when it is not there. GUIDs are compared without regard to case. */
  async find(kind: ObjectKind, guid: string, parentGuid?: string): Promise<ReadOutcome<JsonObject>> {
    const { id } = this.dialect.objects[kind];
    const found = await this.list(kind, parentGuid);
    return found.ok ? { ok: true, items: found.items.filter((item) => sameGuid(item[id], guid)).slice(0, 1) } : found;
  }
  add(kind: ObjectKind, body: JsonObject): Promise<RequestOutcome> {
    return this.options.link.request(this.buildRequest(kind, 'add', { body }));
  }
  update(kind: ObjectKind, body: JsonObject): Promise<RequestOutcome> {
    return this.options.link.request(this.buildRequest(kind, 'update', { body }));
  }
  remove(kind: ObjectKind, guid: string): Promise<RequestOutcome> {
    return this.options.link.request(this.buildRequest(kind, 'remove', { guid }));
  }
  setEnabled(kind: ObjectKind, guid: string, enabled: boolean): Promise<RequestOutcome> {
    return this.options.link.request(this.buildRequest(kind, 'status', { guid, enabled }));
  }

  /** One of the nine open commands. */
  open(name: OpenCommand, params: JsonObject = {}): Promise<RequestOutcome> {
    return this.options.link.request(buildOpenRequest(name, params, this.options.secret));
  }
  async getTargetList(): Promise<ReadOutcome<OpenTarget>> {
    const outcome = await this.open('GetTargetList');
    return outcome.outcome === 'done' ? { ok: true, items: readTargetList(outcome.paramRet) } : { ok: false, outcome };
  }
  /** Live records of a target's frames, or with `deleted` those that were removed. */
  async getShotDoneList(targetGuid: string, deleted = false): Promise<ReadOutcome<OpenShotDone>> {
    const outcome = await this.open('GetShotDoneList', { RefGuidTarget: targetGuid, IsDeleted: deleted });
    return outcome.outcome === 'done'
      ? { ok: true, items: readShotDoneList(outcome.paramRet, this.zone()) }
      : { ok: false, outcome };
  }
}

const sameGuid = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' && typeof b === 'string' && a.toLowerCase() === b.toLowerCase();

/**
 * Fields of `found` that are not as `wanted` says, each as `Field: wanted 1, is 2`; empty when all agree. Only fields that are wanted are
 * compared; GUIDs and text without regard to case and outer blanks, numbers to 1e-6 (a millisecond of arc), times to the second.
 */
export function differences(wanted: Readonly<JsonObject>, found: Readonly<JsonObject>): string[] {
  return Object.entries(wanted)
    .filter(([, value]) => value !== undefined)
    .filter(([field, value]) => !same(field, value, found[field]))
    .map(
      ([field, value]) =>
        `${field}: wanted ${JSON.stringify(value)}, is ${found[field] === undefined ? 'not there' : JSON.stringify(found[field])}`,
    );
}
function same(field: string, wanted: unknown, found: unknown): boolean {
  if (typeof wanted === 'number') {
    const number = typeof found === 'boolean' ? Number(found) : readNumber(found);
    return number !== null && Math.abs(number - wanted) <= (/Date/.test(field) ? 1 : 1e-6);
  }
  if (typeof wanted === 'boolean')
    return found === wanted || asText(found).toLowerCase() === String(wanted) || found === Number(wanted);
  if (typeof wanted === 'string') return typeof found === 'string' && plain(found) === plain(wanted);
  return JSON.stringify(wanted) === JSON.stringify(found);
}
const plain = (text: string): string => text.trim().normalize().toLowerCase();
