const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** 256 counts of brightness out of a picture, read from a small copy of it. */
export function histogramOf(picture: ImageBitmap): number[] {
  const width = Math.min(320, picture.width);
  const height = Math.max(1, Math.round((picture.height * width) / Math.max(1, picture.width)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const counts = Array.from<number>({ length: 256 }).fill(0);
  for (let i = 0; i < data.length; i += 4)
    counts[Math.round(0.2126 * data[i]! + 0.7152 * data[i + 1]! + 0.0722 * data[i + 2]!)]!++;
  return counts;
}

/** Draws counts on a logarithmic scale, since a sky is one tall peak and a long tail of stars; `marks` are lines, as shares of the width. */
export function drawHistogram(
  canvas: HTMLCanvasElement,
  counts: readonly number[],
  marks: readonly number[] = [],
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  const top = Math.log1p(Math.max(1, ...counts));
  context.clearRect(0, 0, width, height);
  const fill = context.createLinearGradient(0, 0, width, 0);
  fill.addColorStop(0, css('--accent-deep'));
  fill.addColorStop(0.6, css('--violet'));
  fill.addColorStop(1, css('--gold'));
  context.fillStyle = fill;
  counts.forEach((count, i) => {
    const h = (Math.log1p(count) / top) * (height - 2);
    context.fillRect((i * width) / counts.length, height - h, width / counts.length + 0.5, h);
  });
  context.fillStyle = css('--text');
  for (const mark of marks) context.fillRect(Math.min(width - 2, mark * width), 0, 2, height);
}

const SVG = 'http://www.w3.org/2000/svg';
function node(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const el = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, String(value));
  if (text !== undefined) el.textContent = text;
  return el;
}
/** Zenith in the middle, north up, east left as the sky is seen from below. */
const place = (altitude: number, azimuth: number): [number, number] => {
  const r = ((90 - Math.max(-2, altitude)) / 90) * 96;
  const a = (azimuth * Math.PI) / 180;
  return [-r * Math.sin(a), -r * Math.cos(a)];
};

/** The sky disc: rim, circles of 30° and 60°, the mount and the way it came. */
export class SkyDisc {
  private readonly trail: [number, number][] = [];
  private readonly path: SVGElement;
  private readonly mark: SVGElement;
  constructor(svg: SVGSVGElement, cardinals: [string, string, string, string]) {
    svg.replaceChildren();
    const [n, e, s, w] = cardinals;
    svg.append(
      node('circle', { class: 'rim', r: 96 }),
      node('path', {
        class: 'low',
        d: 'M-96 0A96 96 0 1 1 96 0A96 96 0 1 1-96 0ZM-64 0A64 64 0 1 0 64 0A64 64 0 1 0-64 0Z',
      }),
    );
    for (const r of [32, 64]) svg.append(node('circle', { class: 'grid', r }));
    svg.append(node('path', { class: 'grid', d: 'M0-96V96M-96 0H96' }));
    svg.append(
      node('text', { x: 0, y: -86 }, n),
      node('text', { x: -87, y: 0 }, e),
      node('text', { x: 0, y: 87 }, s),
      node('text', { x: 87, y: 0 }, w),
    );
    this.path = node('path', { class: 'trail' });
    this.mark = node('g', { visibility: 'hidden' });
    this.mark.append(
      node('circle', { class: 'mark', r: 8 }),
      node('circle', { class: 'mark-dot', r: 2.6 }),
      node('path', { class: 'mark', d: 'M-14 0H-8M8 0H14M0-14V-8M0 8V14' }),
    );
    svg.append(this.path, this.mark);
  }
  point(altitude: number | null | undefined, azimuth: number | null | undefined): void {
    if (altitude === null || altitude === undefined || azimuth === null || azimuth === undefined) {
      this.mark.setAttribute('visibility', 'hidden');
      return;
    }
    const [x, y] = place(altitude, azimuth);
    this.mark.setAttribute('visibility', 'visible');
    this.mark.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    const last = this.trail.at(-1);
    if (!last || Math.hypot(last[0] - x, last[1] - y) > 0.6) {
      this.trail.push([x, y]);
      if (this.trail.length > 200) this.trail.shift();
      this.path.setAttribute('d', `M${this.trail.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join('L')}`);
    }
  }
}
