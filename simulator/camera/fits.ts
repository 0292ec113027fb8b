import { closeSync, openSync, writeSync } from 'node:fs';

/** A FITS header card's value: text, integer or float (written with its decimal point), or logical. */
export type CardValue = string | number | boolean;
export interface Card {
  key: string;
  value: CardValue;
  comment?: string;
  /** A number that is written with this many decimals. */
  decimals?: number;
}
/** Bytes of a FITS block (FITS standard 4.0, section 3.1). */
export const BLOCK = 2880;

function cardText({ key, value, comment, decimals }: Card): string {
  let text: string;
  if (typeof value === 'boolean') text = (value ? 'T' : 'F').padStart(20);
  else if (typeof value === 'number')
    text = (decimals === undefined ? String(value) : value.toFixed(decimals)).padStart(20);
  else
    text = `'${value
      .replace(/[^\x20-\x7e]/g, '?')
      .replaceAll("'", "''")
      .slice(0, 67)
      .padEnd(8)}'`;
  return `${key.padEnd(8)}= ${text}${comment ? ` / ${comment}` : ''}`.slice(0, 80).padEnd(80);
}

/** Primary header of a 16-bit unsigned picture (BZERO 32768), padded to whole blocks (FITS standard 4.0, §4.1, §5.2.5). */
export function fitsHeader(width: number, height: number, cards: Card[]): Buffer {
  const mandatory: Card[] = [
    { key: 'SIMPLE', value: true, comment: 'file conforms to FITS standard' },
    { key: 'BITPIX', value: 16 },
    { key: 'NAXIS', value: 2 },
    { key: 'NAXIS1', value: width },
    { key: 'NAXIS2', value: height },
    { key: 'BZERO', value: 32_768 },
    { key: 'BSCALE', value: 1 },
  ];
  const text = [...mandatory, ...cards].map(cardText).join('') + 'END'.padEnd(80);
  return Buffer.from(text.padEnd(Math.ceil(text.length / BLOCK) * BLOCK), 'latin1');
}
/** Bytes from the end of the data to the end of its last block. */
export const fitsPadding = (dataBytes: number): number => (BLOCK - (dataBytes % BLOCK)) % BLOCK;

/** Writes a frame of 16 bits. The pixels are turned into FITS's byte order in place. */
export function writeFits(
  { path, cards, width, height }: { path: string; cards: Card[]; width: number; height: number },
  pixels: Uint16Array,
): void {
  const count = width * height;
  for (let i = 0; i < count; i++) {
    const v = pixels[i]! ^ 0x8000;
    pixels[i] = (v >> 8) | ((v & 255) << 8);
  }
  const file = openSync(path, 'w');
  try {
    writeSync(file, fitsHeader(width, height, cards));
    const bytes = Buffer.from(pixels.buffer, 0, count * 2);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at);
    const padding = fitsPadding(count * 2);
    if (padding > 0) writeSync(file, Buffer.alloc(padding));
  } finally {
    closeSync(file);
  }
}
