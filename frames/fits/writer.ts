import { BLOCK } from './header.ts';

export type WritableValue = string | number | boolean;

function numberText(value: number): string {
  const text = String(value);
  return !Number.isInteger(value) && text.includes('e') ? value.toExponential().toUpperCase() : text;
}

function formatCard(keyword: string, value: WritableValue, comment = ''): string {
  let field: string;
  if (typeof value === 'string') {
    const printable = value.replace(/[^\x20-\x7e]/g, '?').replaceAll("'", "''");
    field = `'${printable
      .slice(0, 67)
      .replace(/(^|[^'])'$/, '$1')
      .padEnd(8)}'`;
  } else if (typeof value === 'boolean') field = (value ? 'T' : 'F').padStart(20);
  else field = numberText(value).padStart(20);
  const text = `${keyword.padEnd(8)}= ${field}`;
  return (comment ? `${text} / ${comment}` : text).slice(0, 80).padEnd(80);
}

/**
 * A simple FITS file of unsigned 16-bit pixels (BITPIX 16, BZERO 32768), rows as given; several planes make a cube.
 * @param planes levels 0 to 65,535, each `width` × `height`
 * @param cards keyword, value, comment; keywords of at most 8 characters
 * @param scale physical value = level · scale.bscale + scale.bzero
 */
export function writeFits16(
  width: number,
  height: number,
  planes: readonly Uint16Array[],
  cards: readonly (readonly [string, WritableValue, string?])[],
  scale: { bscale: number; bzero: number } = { bscale: 1, bzero: 0 },
): Buffer {
  const head: (readonly [string, WritableValue, string?])[] = [
    ['SIMPLE', true, 'conforms to FITS standard'],
    ['BITPIX', 16],
    ['NAXIS', planes.length > 1 ? 3 : 2],
    ['NAXIS1', width],
    ['NAXIS2', height],
    ...(planes.length > 1 ? [['NAXIS3', planes.length] as const] : []),
    ['BSCALE', scale.bscale],
    ['BZERO', scale.bzero + 32_768 * scale.bscale],
    ...cards,
  ];
  const text = `${head.map(([keyword, value, comment]) => formatCard(keyword, value, comment)).join('')}${'END'.padEnd(80)}`;
  const headerBytes = Math.ceil(text.length / BLOCK) * BLOCK;
  const count = width * height;
  const file = Buffer.from(new ArrayBuffer(headerBytes + Math.ceil((count * planes.length * 2) / BLOCK) * BLOCK));
  const stored = new Uint16Array(file.buffer, headerBytes);
  planes.forEach((plane, p) => {
    for (let i = 0, at = p * count; i < count; i++, at++) stored[at] = plane[i]! ^ 0x8000;
  });
  file.subarray(headerBytes).swap16();
  file.write(text.padEnd(headerBytes), 0, 'latin1');
  return file;
}
