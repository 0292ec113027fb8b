import * as zlib from 'node:zlib';

let table: Int32Array | null = null;
function crcTable(): Int32Array {
  if (table) return table;
  const out = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    out[i] = c;
  }
  table = out;
  return out;
}

/** CRC-32 of ISO 3309 as ZIP uses it, continued from `before`. Node's own where it has one (20.15, 22.2), else by table. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const native = (zlib as { crc32?: (data: Uint8Array, value?: number) => number }).crc32;
  if (native) return native(bytes, before);
  const t = crcTable();
  let c = ~before;
  for (let i = 0; i < bytes.length; i++) c = t[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
