import type { CDPSession, Page } from 'playwright-core';
import sharp from 'sharp';

/** What a film may weigh, in bytes. */
const MOST_BYTES = 2_000_000;
const QUALITIES = [70, 60, 50, 40, 30, 20];
/** Frames are no closer together than this, in milliseconds. */
const LEAST_MS = 200;
/** A film's width in pixels. */
const WIDTH = 1080;
/** Height of the strip below the picture that has the caption. */
const STRIP = 52;

interface Frame {
  jpeg: Buffer;
  /** Milliseconds of film before it. */
  atMs: number;
  caption: string;
}

/** What a page shows, as frames of a film: only while it is told to, so that waiting is cut out. */
export class Film {
  private readonly frames: Frame[] = [];
  private filmedMs = 0;
  private rolling: { session: CDPSession; since: number } | null = null;

  constructor(private readonly page: Page) {}

  /** Films the page for a while under a caption; `acting` happens meanwhile. */
  async scene(caption: string, ms: number, acting?: (page: Page) => Promise<void>): Promise<void> {
    await this.roll(caption);
    const began = performance.now();
    await acting?.(this.page);
    await this.page.waitForTimeout(Math.max(500, ms - (performance.now() - began)));
    await this.cut();
  }
  private async roll(caption: string): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const rolling = { session, since: performance.now() };
    this.rolling = rolling;
    session.on('Page.screencastFrame', ({ data, sessionId }) => {
      session.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined);
      const atMs = this.filmedMs + performance.now() - rolling.since;
      if (this.rolling === rolling && atMs - (this.frames.at(-1)?.atMs ?? -LEAST_MS) >= LEAST_MS)
        this.frames.push({ jpeg: Buffer.from(data, 'base64'), atMs, caption });
    });
    // One frame in any case, since Chromium sends those that change.
    this.frames.push({ jpeg: await this.page.screenshot({ type: 'jpeg', quality: 90 }), atMs: this.filmedMs, caption });
    rolling.since = performance.now();
    await session.send('Page.startScreencast', { format: 'jpeg', quality: 90, everyNthFrame: 1 });
  }
  private async cut(): Promise<void> {
    const { session, since } = this.rolling!;
    this.rolling = null;
    this.filmedMs += performance.now() - since;
    await session.detach();
  }

  get seconds(): number {
    return this.filmedMs / 1000;
  }
  /** An animated WebP, as good as its weight allows. */
  async write(path: string): Promise<{ bytes: number; frames: number; quality: number }> {
    const pictures = await Promise.all(this.frames.map((frame) => this.picture(frame)));
    const delay = this.frames.map(({ atMs }, i) => Math.round((this.frames[i + 1]?.atMs ?? this.filmedMs) - atMs));
    for (const quality of QUALITIES) {
      const film = sharp(pictures, { join: { animated: true } }).webp({
        quality,
        effort: 4,
        minSize: true,
        delay,
        loop: 0,
      });
      const { size: bytes } = await film.toFile(path);
      if (bytes <= MOST_BYTES || quality === QUALITIES.at(-1)) return { bytes, frames: pictures.length, quality };
    }
    throw new Error('unreachable');
  }
  /** A frame with its caption below it, as PNG. */
  private picture({ jpeg, caption }: Frame): Promise<Buffer> {
    const { width, height } = this.page.viewportSize()!;
    const strip = { width: WIDTH, height: STRIP, middle: WIDTH / 2, line: Math.round(STRIP * 0.66) };
    const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${strip.width}" height="${strip.height}"><text x="${strip.middle}" y="${strip.line}" text-anchor="middle" font-family="DejaVu Sans, sans-serif" font-size="23" font-weight="bold" fill="#fff">${escaped(caption)}</text></svg>`;
    const tall = Math.round((WIDTH * height) / width);
    return sharp(jpeg)
      .resize(WIDTH, tall)
      .extend({ bottom: STRIP, background: '#080c18' })
      .composite([{ input: Buffer.from(text), left: 0, top: tall }])
      .png()
      .toBuffer();
  }
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
