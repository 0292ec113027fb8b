import { FitsError } from './errors.ts';

/** Instructions of an IRAF pixel list (FITS Standard 4.0, 10.4.3): four bits of code, twelve of data. */
const [ZEROS, SET_HIGH, ADD, SUBTRACT, REPEAT, ZEROS_THEN_ONE, ADD_AND_WRITE, SUBTRACT_AND_WRITE] = [
  0, 1, 2, 3, 4, 5, 6, 7,
];
/** Words of the older and the newer head of a list; the newer one holds the head's length in its second word. */
const OLD_HEAD = 3;

/**
 * PLIO_1: a line list of 16-bit words to `count` pixels, of values from 0 to 2^24; pixels behind the list's end are zero.
 * @throws FitsError corrupt when a word is no instruction or the list is shorter than its head says
 */
export function plioDecode(bytes: Uint8Array, out: Int32Array, count: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = bytes.length >> 1;
  const word = (i: number): number => {
    if (i >= words) throw new FitsError('corrupt', 'a PLIO_1 tile ends early');
    return view.getInt16(i * 2);
  };
  const old = word(2) > 0;
  const length = old ? word(2) : (word(4) << 15) + word(3);
  let at = old ? OLD_HEAD : word(1);
  let pixel = 0;
  let value = 1;
  const fill = (level: number, to: number): void => {
    out.fill(level, Math.min(pixel, count), Math.min(to, count));
    pixel = to;
  };
  for (; at < length && pixel < count; at++) {
    const code = (word(at) >> 12) & 15;
    const data = word(at) & 4095;
    if (code === ZEROS) fill(0, pixel + data);
    else if (code === REPEAT) fill(value, pixel + data);
    else if (code === ZEROS_THEN_ONE) {
      fill(0, pixel + data - 1);
      fill(value, pixel + 1);
    } else if (code === SET_HIGH) value = (word(++at) << 12) + data;
    else if (code === ADD || code === ADD_AND_WRITE) value += data;
    else if (code === SUBTRACT || code === SUBTRACT_AND_WRITE) value -= data;
    else throw new FitsError('corrupt', `a PLIO_1 tile holds the instruction ${code}`);
    if (code === ADD_AND_WRITE || code === SUBTRACT_AND_WRITE) fill(value, pixel + 1);
  }
  out.fill(0, Math.min(pixel, count), count);
}
