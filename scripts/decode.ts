import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { decodeLine, type Decoded } from '../gateway/protocol/codec.ts';
import type { JsonObject } from '../gateway/protocol/fields.ts';
import { classify, isKnownMethod } from '../gateway/protocol/requests.ts';
import { type Dialect, loadDialect } from '../gateway/robotarget/dialect.ts';
import { loadConfig } from '../platform/config.ts';
import { answerHelp } from './help.ts';
import { UsageError } from '../platform/errors.ts';

/**
 * `npm run decode -- --json FILE`: recorded lines of Voyager's protocol to typed messages, one JSON line each:
 * `{line, ok, kind, name, unknown, data}` or `{line, ok: false, error}`. `-` reads stdin. Exit code 1 when a line was malformed, 2 for a wrong call.
 */
const USAGE = 'Usage: npm run decode -- [--json] FILE   (- for stdin; one message a line)';

type Printed =
  | { line: number; ok: true; kind: string; name: string; unknown: boolean; data: JsonObject }
  | { line: number; ok: false; error: string };

const MASKED = new Set(['base', 'ticket', 'mac', 'password']);
const masked = (params: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, MASKED.has(key.toLowerCase()) ? '[secret]' : value]),
  );
const described = (value: unknown): unknown =>
  Buffer.isBuffer(value) ? { bytes: value.length, sha256: createHash('sha256').update(value).digest('hex') } : value;

export function present(line: number, decoded: Decoded, dialect: Dialect): Printed {
  if (!decoded.ok) return { line, ok: false, error: decoded.error };
  const { message } = decoded;
  if (message.kind === 'event') {
    const { event } = message;
    const data: JsonObject = {
      Timestamp: event.timestamp,
      Host: event.host,
      Inst: event.inst,
      ...Object.fromEntries(Object.entries(event.data).map(([key, value]) => [key, described(value)])),
      ...event.extra,
      ...(Object.keys(event.absent).length > 0 ? { absent: event.absent } : {}),
    };
    return { line, ok: true, kind: 'event', name: event.name, unknown: event.unknown, data };
  }
  if (message.kind === 'reply') {
    const { id, name, error, auth, raw } = message.reply;
    const result = auth ? { [name]: auth } : { result: raw.result };
    return {
      line,
      ok: true,
      kind: 'reply',
      name,
      unknown: false,
      data: { id, ...(error ? { error } : result) },
    };
  }
  const { id, uid, method, params } = message.request;
  return {
    line,
    ok: true,
    kind: 'request',
    name: method,
    unknown: !isKnownMethod(method, dialect),
    data: { id, UID: uid, params: masked(params), class: classify(dialect, method, params).class },
  };
}

function inWords(shown: Printed): string {
  if (!shown.ok) return `error\t${shown.error}`;
  return `${shown.kind}\t${shown.name}${shown.unknown ? ' (unknown)' : ''}\t${JSON.stringify(shown.data)}`;
}

/** Lines of a stream with their numbers from 1; a line over the limit comes as null. */
async function* linesOf(
  stream: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<[number: number, line: Buffer | null]> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;
  const take = (part: Buffer): void => {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else parts = [];
  };
  const whole = (): Buffer | null => {
    const line = length > maxBytes ? null : Buffer.concat(parts, length);
    parts = [];
    length = 0;
    return line?.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let lf = chunk.indexOf(10); lf >= 0; lf = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, lf));
      yield [number++, whole()];
      from = lf + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (length > 0) yield [number, whole()];
}

async function main(args: string[]): Promise<number> {
  answerHelp(USAGE);
  const json = args.includes('--json');
  const files = args.filter((a) => a !== '--json');
  if (files.length !== 1 || (files[0] !== '-' && files[0]!.startsWith('-'))) throw new UsageError(USAGE);
  const { VOYAGER_ROBOTARGET_DIALECT, VOYAGER_MAX_LINE_MB: megabytes } = loadConfig();
  const dialect = loadDialect(VOYAGER_ROBOTARGET_DIALECT);
  const input = (files[0] === '-' ? process.stdin : createReadStream(files[0]!)) as AsyncIterable<Buffer>;
  let malformed = false;
  try {
    for await (const [number, bytes] of linesOf(input, megabytes * 1024 * 1024)) {
      if (bytes?.length === 0) continue;
      const shown = present(
        number,
        bytes === null ? { ok: false, error: `longer than ${megabytes} MB` } : decodeLine(bytes),
        dialect,
      );
      malformed ||= !shown.ok;
      const text = json ? JSON.stringify(shown) : `${number}\t${inWords(shown)}`;
      if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
    }
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    throw new UsageError(`${files[0]}: ${code === 'ENOENT' ? 'no such file' : message}`);
  }
  return malformed ? 1 : 0;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    process.stderr.write(`${thrown instanceof UsageError ? thrown.message : String((thrown as Error).stack)}\n`);
    process.exitCode = 2;
  },
);
