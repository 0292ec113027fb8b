import type { Locale } from '../../../../../domain/reasons.ts';
import { number } from '../../../core/format.ts';
import { translate } from '../../../i18n/index.ts';
import { drawHistogram } from '../preview/histogram.ts';
import {
  autoStretch,
  countsOf,
  fromAxis,
  midtonesTransfer,
  rangeOf,
  readFits,
  toAxis,
  type FitsImage,
} from './quicklook-fits.ts';

const STEPS = 1_000;
type Knob = 'black' | 'midtones' | 'white';

/**
 * Opens a window on a frame's own pixels: stretch by black point, midtones and white point, histogram, the value under the pointer
 * (or under the arrow keys' cross), and the whole header.
 */
export async function openQuickLook(root: HTMLElement, url: string, filename: string, locale: Locale): Promise<void> {
  const say: Say = (key, values) => translate(locale, key, values);
  const dialog = document.createElement('dialog');
  dialog.className = 'dialog lightbox quicklook';
  dialog.setAttribute('aria-label', filename);
  add(dialog, 'h2', filename);
  const status = add(dialog, 'p', say('ui.loading'));
  status.setAttribute('role', 'status');
  const body = add(dialog, 'div');
  const buttons = add(dialog, 'div');
  buttons.className = 'dialog-buttons';
  const close = button(buttons, say('ui.close'), () => dialog.close());
  root.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  close.focus();
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const image = await readFits(await response.arrayBuffer());
    status.remove();
    const auto = show(body, image, say, locale);
    buttons.prepend(button(buttons, say('quicklook.auto'), auto));
    const details = add(body, 'details');
    add(details, 'summary', say('quicklook.header'));
    const pre = add(details, 'pre', image.cards.map(([name, value]) => `${name.padEnd(9)}${value}`).join('\n'));
    pre.className = 'attached small';
    pre.tabIndex = 0;
  } catch (thrown) {
    status.textContent = thrown instanceof Error ? thrown.message : say('ui.error');
  }
}

type Say = (key: string, values?: Record<string, string | number>) => string;

/** The elements of the window, and what they show. */
interface Look {
  image: FitsImage;
  range: ReturnType<typeof rangeOf>;
  canvas: HTMLCanvasElement;
  value: HTMLElement;
  chart: HTMLCanvasElement;
  say: Say;
  locale: Locale;
}
function lookOf(body: HTMLElement, image: FitsImage, say: Say, locale: Locale): Look {
  const canvas = add(body, 'canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', say('quicklook.picture'));
  const value = add(body, 'p', say('quicklook.hint'));
  value.className = 'muted small numeric';
  value.setAttribute('aria-live', 'polite');
  value.dataset.item = 'pixel';
  const chart = add(body, 'canvas');
  chart.className = 'quicklook-histogram';
  [chart.width, chart.height] = [512, 72];
  chart.setAttribute('role', 'img');
  chart.setAttribute('aria-label', say('preview.histogram'));
  return { image, range: rangeOf(image.planes), canvas, value, chart, say, locale };
}

/** Sliders for black point, midtones and white point, each from 0 to 1 of the histogram's axis. */
class Knobs {
  private readonly inputs: Record<Knob, HTMLInputElement>;
  constructor(body: HTMLElement, say: Say, changed: () => void) {
    const knob = (name: Knob): HTMLInputElement => {
      const label = add(body, 'label', say(`quicklook.${name}`));
      const input = add(label, 'input');
      Object.assign(input, { type: 'range', min: '0', max: String(STEPS), name });
      input.addEventListener('input', changed);
      return input;
    };
    this.inputs = { black: knob('black'), midtones: knob('midtones'), white: knob('white') };
  }
  set(name: Knob, share: number): void {
    this.inputs[name].value = String(Math.round(share * STEPS));
  }
  at(name: Knob): number {
    return Number(this.inputs[name].value) / STEPS;
  }
}

/** What draws picture and histogram as the sliders stand. */
function painterOf({ image, range, canvas, chart }: Look, knobs: Knobs): () => void {
  const { width, height, planes } = image;
  const counts = countsOf(planes, range);
  const context = canvas.getContext('2d')!;
  const picture = context.createImageData(width, height);
  return () => {
    const [black, white] = [fromAxis(knobs.at('black'), range), fromAxis(knobs.at('white'), range)];
    const midtones = Math.min(0.999, Math.max(0.0001, knobs.at('midtones') ** 2));
    const span = Math.max(1e-9, white - black);
    const [red, green, blue] = [planes[0]!, planes[1] ?? planes[0]!, planes[2] ?? planes[0]!];
    const light = (v: number): number => 255 * midtonesTransfer(midtones, (v - black) / span);
    for (let i = 0; i < width * height; i++) {
      const r = light(red[i]!);
      picture.data[4 * i] = r;
      picture.data[4 * i + 1] = green === red ? r : light(green[i]!);
      picture.data[4 * i + 2] = blue === red ? r : light(blue[i]!);
      picture.data[4 * i + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
    drawHistogram(chart, counts, [knobs.at('black'), toAxis(black + midtones * span, range), knobs.at('white')]);
  };
}

/** Tells the pixel under the pointer, or under the cross that the arrow keys move, counted as the frame's own. */
function tellPixels({ image, range, canvas, value, say, locale }: Look): void {
  const { width, height, planes } = image;
  const point = { x: width >> 1, y: height >> 1 };
  const tell = (x: number, y: number): void => {
    point.x = Math.min(width - 1, Math.max(0, Math.floor(x)));
    point.y = Math.min(height - 1, Math.max(0, Math.floor(y)));
    const row = image.topDown ? point.y * image.factor : image.frameHeight - 1 - point.y * image.factor;
    const values = planes.map((plane) =>
      number(plane[point.y * width + point.x], locale, range[1] - range[0] > 100 ? 0 : 4),
    );
    value.textContent = say('quicklook.pixel', { x: point.x * image.factor, y: row, value: values.join(' · ') });
  };
  canvas.addEventListener('pointermove', (event) =>
    tell((event.offsetX * width) / canvas.clientWidth, (event.offsetY * height) / canvas.clientHeight),
  );
  canvas.addEventListener('keydown', (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [
      0, 0,
    ];
    if (dx === 0 && dy === 0) return;
    event.preventDefault();
    const far = event.shiftKey ? 20 : 1;
    tell(point.x + dx! * far, point.y + dy! * far);
  });
}

/** Picture, value, histogram and sliders; gives back what the button "auto" does. */
function show(body: HTMLElement, image: FitsImage, say: Say, locale: Locale): () => void {
  const look = lookOf(body, image, say, locale);
  const { range } = look;
  let frame = 0;
  const knobs = new Knobs(body, say, () => void (frame ||= requestAnimationFrame(() => ((frame = 0), draw()))));
  const draw = painterOf(look, knobs);
  tellPixels(look);
  const auto = (): void => {
    const stretch = autoStretch(image.planes, range);
    knobs.set('black', toAxis(stretch.black, range));
    knobs.set('midtones', Math.sqrt(stretch.midtones));
    knobs.set('white', toAxis(stretch.white, range));
    draw();
  };
  auto();
  return auto;
}

function add<K extends keyof HTMLElementTagNameMap>(parent: HTMLElement, name: K, text = ''): HTMLElementTagNameMap[K] {
  const el = document.createElement(name);
  if (text) el.textContent = text;
  parent.append(el);
  return el;
}
function button(parent: HTMLElement, text: string, act: () => void): HTMLButtonElement {
  const el = add(parent, 'button', text);
  el.type = 'button';
  el.className = 'button';
  el.addEventListener('click', act);
  return el;
}
