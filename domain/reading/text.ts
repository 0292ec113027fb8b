/**
 * Bytes of unknown encoding to text. Neither Voyager's protocol nor old FITS programs say what they write: UTF-8, or the code page of a
 * Windows PC in western Europe or America, windows-1252.
 */

/** Characters of windows-1252 from 0x80 to 0x9F; the five bytes without a character stay control characters (WHATWG Encoding). */
const UPPER_CONTROLS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * UTF-8 where the bytes are valid UTF-8, else windows-1252; never throws. A last character that was cut in two, as in a FITS card of 80
 * bytes, is left out where the rest shows UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  const whole = asUtf8(bytes);
  if (whole !== null) return whole;
  const cut = lastCharacterCut(bytes);
  if (cut > 0) {
    const head = asUtf8(bytes.subarray(0, bytes.length - cut));
    if (head !== null && /[^\0-\x7f]/.test(head)) return head;
  }
  return asWindows1252(bytes);
}

function asUtf8(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

function asWindows1252(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes)
    text += byte >= 0x80 && byte < 0xa0 ? UPPER_CONTROLS[byte - 0x80] : String.fromCharCode(byte);
  return text;
}

/** How many bytes at the end begin a UTF-8 character that is not complete; 0 when the last one is. */
function lastCharacterCut(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc2) return back;
  }
  return 0;
}
