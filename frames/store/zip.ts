import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

/**
 * ZIP archives whose every byte is known beforehand (APPNOTE 6.3.10, method "stored", ZIP64 where needed), so length, ranges and resumed downloads
 * work. Memory does not grow with the archive.
 */
export interface ZipEntry {
  /** Path inside the archive, with slashes. */
  name: string;
  size: number;
  crc32: number;
  modified: Date;
  /** A file on disk, or bytes in memory. */
  content: { path: string } | { bytes: Buffer };
}

type Segment = { length: number } & ({ bytes: Buffer } | { path: string });

const LIMIT32 = 0xffffffff;
const UTF8 = 0x0800;
const VERSION_ZIP64 = 45;

export class ZipLayout {
  readonly size: number;
  private readonly segments: Segment[] = [];

  constructor(entries: readonly ZipEntry[]) {
    let at = 0;
    const directory: Buffer[] = [];
    const add = (segment: Segment): void => {
      if (segment.length > 0) this.segments.push(segment);
      at += segment.length;
    };
    for (const entry of entries) {
      const offset = at;
      const local = localHeader(entry);
      add({ length: local.length, bytes: local });
      add({ length: entry.size, ...entry.content });
      directory.push(centralHeader(entry, offset));
    }
    const central = Buffer.concat(directory);
    const end = endRecords(entries.length, central.length, at);
    add({ length: central.length, bytes: central });
    add({ length: end.length, bytes: end });
    this.size = at;
  }

  /** The bytes from `start` to `end`, both included. @throws while reading when a file is gone or has another length than was promised */
  stream(start = 0, end = this.size - 1): Readable {
    return Readable.from(this.read(start, end), { objectMode: false, highWaterMark: 1 << 18 });
  }

  private async *read(start: number, end: number): AsyncGenerator<Buffer> {
    let at = 0;
    for (const segment of this.segments) {
      const from = Math.max(start, at) - at;
      const to = Math.min(end, at + segment.length - 1) - at;
      at += segment.length;
      if (to < from) {
        if (at > end) return;
        continue;
      }
      if ('bytes' in segment) {
        yield segment.bytes.subarray(from, to + 1);
        continue;
      }
      let sent = 0;
      for await (const chunk of createReadStream(segment.path, { start: from, end: to, highWaterMark: 1 << 18 })) {
        sent += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
      if (sent !== to - from + 1)
        throw new Error(`a file of the archive became shorter: ${sent} of ${to - from + 1} bytes`);
    }
  }
}

/** MS-DOS date and time in UTC, two-second steps, from 1980. */
function dosTime(date: Date): [number, number] {
  const year = Math.max(1980, Math.min(2107, date.getUTCFullYear()));
  return [
    (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
    ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
  ];
}

function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const large = entry.size >= LIMIT32;
  const extra = large ? zip64Extra([entry.size, entry.size]) : Buffer.alloc(0);
  const head = Buffer.alloc(30);
  const [time, date] = dosTime(entry.modified);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(large ? VERSION_ZIP64 : 20, 4);
  head.writeUInt16LE(UTF8, 6);
  head.writeUInt16LE(time, 10);
  head.writeUInt16LE(date, 12);
  head.writeUInt32LE(entry.crc32 >>> 0, 14);
  head.writeUInt32LE(large ? LIMIT32 : entry.size, 18);
  head.writeUInt32LE(large ? LIMIT32 : entry.size, 22);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, name, extra]);
}

function centralHeader(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name);
  const values: number[] = [];
  if (entry.size >= LIMIT32) values.push(entry.size, entry.size);
  if (offset >= LIMIT32) values.push(offset);
  const extra = values.length > 0 ? zip64Extra(values) : Buffer.alloc(0);
  const head = Buffer.alloc(46);
  const [time, date] = dosTime(entry.modified);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE((3 << 8) | VERSION_ZIP64, 4);
  head.writeUInt16LE(extra.length > 0 ? VERSION_ZIP64 : 20, 6);
  head.writeUInt16LE(UTF8, 8);
  head.writeUInt16LE(time, 12);
  head.writeUInt16LE(date, 14);
  head.writeUInt32LE(entry.crc32 >>> 0, 16);
  head.writeUInt32LE(entry.size >= LIMIT32 ? LIMIT32 : entry.size, 20);
  head.writeUInt32LE(entry.size >= LIMIT32 ? LIMIT32 : entry.size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE((0o100644 << 16) >>> 0, 38);
  head.writeUInt32LE(offset >= LIMIT32 ? LIMIT32 : offset, 42);
  return Buffer.concat([head, name, extra]);
}

function zip64Extra(values: number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, i) => extra.writeBigUInt64LE(BigInt(value), 4 + i * 8));
  return extra;
}

function endRecords(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  const large = count >= 0xffff || size >= LIMIT32 || offset >= LIMIT32;
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(large ? 0xffff : count, 8);
  end.writeUInt16LE(large ? 0xffff : count, 10);
  end.writeUInt32LE(large ? LIMIT32 : size, 12);
  end.writeUInt32LE(large ? LIMIT32 : offset, 16);
  if (!large) return end;
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE((3 << 8) | VERSION_ZIP64, 12);
  record.writeUInt16LE(VERSION_ZIP64, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator, end]);
}
