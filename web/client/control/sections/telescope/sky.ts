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
  constructor(svg: SVGSVGElement, cardinals: readonly [string, string, string, string]) {
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
