import { prefs } from '../core/prefs.ts';
import { translate } from '../i18n/index.ts';
import { limits, readFits } from './quicklook-fits.ts';

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
