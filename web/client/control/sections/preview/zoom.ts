/** Pan and zoom of a picture inside its stage: wheel, pinch, drag, double tap and double click. */
export class Zoom {
  private scale = 1;
  private x = 0;
  private y = 0;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private lastTapMs = 0;
  private readonly stage: HTMLElement;
  private readonly picture: HTMLElement;
  private readonly aborter = new AbortController();

  constructor(stage: HTMLElement, picture: HTMLElement) {
    this.stage = stage;
    this.picture = picture;
    const { signal } = this.aborter;
    stage.addEventListener('wheel', (event) => this.wheel(event), { passive: false, signal });
    stage.addEventListener('pointerdown', (event) => this.down(event), { signal });
    stage.addEventListener('pointermove', (event) => this.move(event), { signal });
    for (const name of ['pointerup', 'pointercancel', 'pointerleave'] as const)
      stage.addEventListener(name, (event) => this.pointers.delete(event.pointerId), { signal });
    stage.addEventListener('keydown', (event) => this.key(event), { signal });
  }
  get level(): number {
    return this.scale;
  }
  reset(): void {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.apply();
  }
  /** Zooms by a factor around a point of the stage, its middle when left out. */
  by(factor: number, atX?: number, atY?: number): void {
    const box = this.stage.getBoundingClientRect();
    const px = (atX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const py = (atY ?? box.top + box.height / 2) - box.top - box.height / 2;
    const next = Math.min(8, Math.max(1, this.scale * factor));
    const ratio = next / this.scale;
    this.x = px - (px - this.x) * ratio;
    this.y = py - (py - this.y) * ratio;
    this.scale = next;
    this.apply();
  }
  private apply(): void {
    const limitX = ((this.scale - 1) * this.stage.clientWidth) / 2;
    const limitY = ((this.scale - 1) * this.stage.clientHeight) / 2;
    this.x = Math.max(-limitX, Math.min(limitX, this.x));
    this.y = Math.max(-limitY, Math.min(limitY, this.y));
    this.picture.style.transform = this.scale === 1 ? '' : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    // One finger scrolls the page until the picture is enlarged.
    this.stage.style.touchAction = this.scale > 1 ? 'none' : 'pan-x pan-y';
  }
  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && this.scale === 1 && event.deltaY > 0) return;
    event.preventDefault();
    this.by(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  }
  private down(event: PointerEvent): void {
    if ((event.target as HTMLElement).closest('button')) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 1) {
      // The time of the touch itself: a busy page hears of it late.
      const now = event.timeStamp;
      if (now - this.lastTapMs < 320) {
        if (this.scale > 1) this.reset();
        else this.by(2.5, event.clientX, event.clientY);
        this.lastTapMs = 0;
      } else this.lastTapMs = now;
    }
    if (this.scale > 1 || this.pointers.size > 1) this.stage.setPointerCapture(event.pointerId);
  }
  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      if (was > 0) this.by(is / was, (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
    } else if (this.scale > 1) {
      this.x += event.clientX - before.x;
      this.y += event.clientY - before.y;
      this.apply();
    }
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }
  private key(event: KeyboardEvent): void {
    const step = 40;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    const by = moves[event.key];
    if (by && this.scale > 1) {
      this.x += by[0];
      this.y += by[1];
      this.apply();
      event.preventDefault();
    } else if (event.key === '+' || event.key === '=') this.by(1.4);
    else if (event.key === '-') this.by(1 / 1.4);
    else if (event.key === '0') this.reset();
  }
  destroy(): void {
    this.aborter.abort();
  }
}
