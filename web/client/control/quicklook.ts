import { prefs } from '../core/prefs.ts';
import { translate } from '../i18n/index.ts';

/** The first image of a FITS file: physical values, and the header cards as written. */
export interface FitsImage {
  width: number;
  height: number;
  values: Float32Array;
  cards: [string, string][];
}
const BLOCK = 2880;

/**
 * Reads the primary image of a FITS file (FITS standard 4.0: 2880-byte blocks, 80-character cards, big-endian data, BZERO and BSCALE).
 * @throws Error when the file is not FITS or holds no image.
 */
export function readFits(buffer: ArrayBuffer): FitsImage {
  const bytes = new Uint8Array(buffer);
  const cards: [string, string][] = [];
  let offset = 0;
  for (let end = false; !end;) {
    if (offset + BLOCK > bytes.length) throw new Error('not a FITS file: the header has no END');
    for (let i = 0; i < 36 && !end; i++) {
      const card = String.fromCharCode(...bytes.subarray(offset + i * 80, offset + (i + 1) * 80));
      const name = card.slice(0, 8).trim();
      if (cards.length === 0 && name !== 'SIMPLE') throw new Error('not a FITS file');
      if (name === 'END') end = true;
      else if (card[8] === '=') cards.push([name, valueOf(card.slice(10))]);
    }
    offset += BLOCK;
  }
  const number = (name: string, fallback: number): number => Number(cards.find(([key]) => key === name)?.[1] ?? fallback);
  const [width, height, bitpix] = [number('NAXIS1', 0), number('NAXIS2', 0), number('BITPIX', 16)];
  if (number('NAXIS', 0) < 2 || width <= 0 || height <= 0) throw new Error('this FITS file holds no image');
  const [zero, scale] = [number('BZERO', 0), number('BSCALE', 1)];
  const size = Math.abs(bitpix) / 8;
  if (offset + width * height * size > bytes.length) throw new Error('the FITS file is cut short');
  const view = new DataView(buffer, offset);
  const readers: Record<number, (at: number) => number> = {
    8: (at) => view.getUint8(at),
    16: (at) => view.getInt16(at),
    32: (at) => view.getInt32(at),
    [-32]: (at) => view.getFloat32(at),
    [-64]: (at) => view.getFloat64(at),
  };
  const read = readers[bitpix];
  if (!read) throw new Error(`BITPIX ${bitpix} is not supported here`);
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = read(i * size) * scale + zero;
  return { width, height, values, cards };
}

function valueOf(text: string): string {
  const quoted = /^\s*'((?:[^']|'')*)'/.exec(text);
  return quoted ? quoted[1]!.replaceAll("''", "'").trim() : (text.split('/')[0] ?? '').trim();
}

/** Shares of the pixels below which everything is black and above which everything is white. */
export function limits(values: Float32Array, low: number, high: number): [number, number] {
  const step = Math.max(1, Math.floor(values.length / 50_000));
  const sample: number[] = [];
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push(values[i]!);
  sample.sort((a, b) => a - b);
  const at = (share: number): number => sample[Math.min(sample.length - 1, Math.max(0, Math.floor(share * (sample.length - 1))))] ?? 0;
  return [at(low), at(high)];
}

/** Opens a window on a frame's own pixels: black and white point by slider, and the whole header. */
export async function openQuickLook(root: HTMLElement, url: string, filename: string): Promise<void> {
  const say = (key: string): string => translate(prefs.locale, key);
  const dialog = document.createElement('dialog');
  dialog.className = 'dialog lightbox quicklook';
  dialog.setAttribute('aria-label', filename);
  const add = <K extends keyof HTMLElementTagNameMap>(parent: HTMLElement, name: K, text = ''): HTMLElementTagNameMap[K] => {
    const el = document.createElement(name);
    if (text) el.textContent = text;
    parent.append(el);
    return el;
  };
  add(dialog, 'h2', filename);
  const status = add(dialog, 'p', say('ui.loading'));
  status.setAttribute('role', 'status');
  root.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const image = readFits(await response.arrayBuffer());
    status.remove();
    const shrink = Math.max(1, Math.ceil(image.width / 1400));
    const canvas = add(dialog, 'canvas');
    canvas.width = Math.floor(image.width / shrink);
    canvas.height = Math.floor(image.height / shrink);
    const context = canvas.getContext('2d')!;
    const picture = context.createImageData(canvas.width, canvas.height);
    const sliders = (['black', 'white'] as const).map((name) => {
      const label = add(dialog, 'label', say(`quicklook.${name}`));
      const input = add(label, 'input');
      input.type = 'range';
      input.min = '0';
      input.max = '1000';
      input.value = name === 'black' ? '80' : '990';
      return input;
    });
    const draw = (): void => {
      const [black, white] = limits(image.values, Number(sliders[0]!.value) / 1000, Number(sliders[1]!.value) / 1000);
      const span = Math.max(1e-6, white - black);
      for (let y = 0; y < canvas.height; y++) {
        // The first row of a FITS image is its bottom one.
        const row = image.height - 1 - y * shrink;
        for (let x = 0; x < canvas.width; x++) {
          const value = (image.values[row * image.width + x * shrink]! - black) / span;
          const grey = 255 * Math.asinh(10 * Math.min(1, Math.max(0, value))) * 0.3335;
          const at = 4 * (y * canvas.width + x);
          picture.data[at] = picture.data[at + 1] = picture.data[at + 2] = grey;
          picture.data[at + 3] = 255;
        }
      }
      context.putImageData(picture, 0, 0);
    };
    draw();
    for (const slider of sliders) slider.addEventListener('input', draw);
    const details = add(dialog, 'details');
    add(details, 'summary', say('quicklook.header'));
    const pre = add(details, 'pre', image.cards.map(([name, value]) => `${name.padEnd(9)}${value}`).join('\n'));
    pre.className = 'attached small';
    pre.tabIndex = 0;
  } catch (thrown) {
    status.textContent = thrown instanceof Error ? thrown.message : say('ui.error');
  }
  const close = add(add(dialog, 'div'), 'button', say('ui.close'));
  close.type = 'button';
  close.className = 'button';
  close.parentElement!.className = 'dialog-buttons';
  close.addEventListener('click', () => dialog.close());
}
