import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { loadavg } from 'node:os';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, buildPages, launch, open } from './browser.ts';
import { BOOKING_ID, imageSummary, telescopeState } from './fixtures.ts';
import { startPageServer, type PageServer } from './server.ts';

/** Every page with its address and token. */
export const PAGES = [
  '/',
  `/control/${BOOKING_ID}#token=guest`,
  '/observations#token=guest',
  `/report/${BOOKING_ID}#token=guest`,
  '/admin#token=guest',
  '/book#token=guest',
  '/demo',
  '/help',
] as const;
/** Eight hours of telemetry every 2 s. */
export const EIGHT_HOURS_OF_UPDATES = 14_400;

export interface PageFigures {
  path: string;
  /** What a first visit loads, gzipped, without pictures and without the API's answers. */
  compressed_bytes: number;
  requests: number;
  first_content_ms: number;
  largest_content_ms: number;
  /** Cumulative layout shift of the first two seconds. */
  layout_shift: number;
}

/** One first visit to a page, with an empty cache, over loopback. */
export async function weigh(browser: Browser, origin: string, path: string): Promise<PageFigures> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    let bytes = 0;
    let requests = 0;
    const bodies: Promise<void>[] = [];
    page.on('response', (response) => {
      requests++;
      if (response.request().resourceType() === 'image' || response.url().includes('/api/')) return;
      bodies.push(
        response.body().then(
          (body) => void (bytes += gzipSync(body).length),
          () => undefined,
        ),
      );
    });
    await page.addInitScript(() => {
      const seen = { shift: 0, largest: 0 };
      Object.assign(globalThis, { seen });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[]) if (!entry.hadRecentInput) seen.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) seen.largest = entry.startTime;
      }).observe({ type: 'largest-contentful-paint', buffered: true });
    });
    await page.goto(origin + path);
    await page.waitForTimeout(2_000);
    await Promise.all(bodies);
    const seen = await page.evaluate(() => ({
      ...(globalThis as unknown as { seen: { shift: number; largest: number } }).seen,
      first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity,
    }));
    return {
      path: path.replace(/#.*/, ''),
      compressed_bytes: bytes,
      requests,
      first_content_ms: Math.round(seen.first),
      largest_content_ms: Math.round(seen.largest),
      layout_shift: Math.round(seen.shift * 10_000) / 10_000,
    };
  } finally {
    await context.close();
  }
}

export interface LiveFigures {
  updates: number;
  /** From the event in hand to the changed page, wall clock. */
  update_ms: { p50: number; p95: number; max: number };
  /** CPU time of the page's main thread for each update, script, style, layout and painting together. */
  thread_ms_per_update: number;
  heap_before_mb: number;
  heap_after_mb: number;
  /** Growth of the heap after collection, from a quarter of the run to its end; share of the former. */
  heap_growth: number;
  elements: number;
  log_lines: number;
  tiles: number;
  layout_shift: number;
}

/** A session's events one after the other as fast as the page takes them: telemetry, a frame every 60th and a log line every 10th. */
export async function pressLive(page: Page, server: PageServer, updates: number): Promise<LiveFigures> {
  await page.waitForTimeout(500);
  const state = telescopeState(server.night);
  const image = imageSummary(1, server.night);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async (): Promise<number> => (await cdp.send('Performance.getMetrics')).metrics.find((metric) => metric.name === 'TaskDuration')!.value * 1_000;
  const busyBefore = await busy();
  const result = await page.evaluate(
    async ({ state, image, updates }) => {
      const shifts: number[] = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number }[]) shifts.push(entry.value);
      }).observe({ type: 'layout-shift' });
      const { Alpine } = window as unknown as { Alpine: { $data(el: Element): { handleRealtimeData(event: unknown): void }; nextTick(): Promise<void> } };
      const component = Alpine.$data(document.querySelector('.telescope-control')!);
      const times: number[] = [];
      // Methods, not named functions: tsx would wrap those in a helper that the page does not have.
      const memory = {
        settled(): number {
          (globalThis as unknown as { gc(): void }).gc();
          return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
        },
      };
      const envelope = { id: 'x', seq: 0, epoch: 1, ts: '', booking_id: 'b-1042', telescope_id: 'demo' };
      const start = Date.parse(state.at);
      let heapBefore = 0;
      for (let i = 0; i < updates; i++) {
        if (i === Math.floor(updates / 4)) heapBefore = memory.settled();
        const at = new Date(start + i * 2_000).toISOString();
        const data = {
          ...state,
          at,
          rev: 10_000 + i,
          focuser: { ...state.focuser, position: 10_000 + (i % 50) },
          guiding: { ...state.guiding, x_px: Math.sin(i), y_px: Math.cos(i) },
          exposure: { ...state.exposure, elapsed_seconds: i % 120 },
        };
        const before = performance.now();
        component.handleRealtimeData({ ...envelope, type: 'control.updated', data });
        if (i % 60 === 0) component.handleRealtimeData({ ...envelope, type: 'image.captured', data: { ...image, id: `load-${i}`, filename: `load-${i}.fit` } });
        if (i % 10 === 0)
          component.handleRealtimeData({
            ...envelope,
            type: 'log.appended',
            data: { at, level: 'INFO', source: 'session', event: 'x', message: `line ${i}`, message_fr: null, data: {} },
          });
        await Alpine.nextTick();
        times.push(performance.now() - before);
        if (i % 20 === 0) await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const heapAfter = memory.settled();
      times.sort((a, b) => a - b);
      return {
        p50: times[Math.floor(times.length * 0.5)]!,
        p95: times[Math.floor(times.length * 0.95)]!,
        max: times.at(-1)!,
        heapBefore,
        heapAfter,
        elements: document.querySelectorAll('*').length,
        logs: document.querySelectorAll('[data-item="console"] p').length,
        tiles: document.querySelectorAll('[data-item="gallery"] li').length,
        shift: shifts.reduce((a, b) => a + b, 0),
      };
    },
    { state, image, updates },
  );
  const round = (value: number): number => Math.round(value * 100) / 100;
  return {
    updates,
    update_ms: { p50: round(result.p50), p95: round(result.p95), max: round(result.max) },
    thread_ms_per_update: round(((await busy()) - busyBefore) / updates),
    heap_before_mb: round(result.heapBefore / 1e6),
    heap_after_mb: round(result.heapAfter / 1e6),
    heap_growth: round((result.heapAfter - result.heapBefore) / result.heapBefore),
    elements: result.elements,
    log_lines: result.logs,
    tiles: result.tiles,
    layout_shift: round(result.shift),
  };
}

/** `node scripts/page-figures.mjs [--updates N]`: the figures of every page and of a night's events, one JSON line. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { updates: { type: 'string', default: String(EIGHT_HOURS_OF_UPDATES) } } });
  if (CHROMIUM === null) process.exit(1);
  const built = await buildPages();
  const server = await startPageServer({ webRoot: built.root });
  const browser = await launch();
  try {
    const load = loadavg()[0]!;
    const pages: PageFigures[] = [];
    for (const path of PAGES) pages.push(await weigh(browser, server.url, path));
    const watched = await open(browser, `${server.url}/control/${BOOKING_ID}#token=guest`);
    await watched.page.locator('[data-item="gallery"] li').first().waitFor();
    const live = await pressLive(watched.page, server, Number(values.updates));
    process.stdout.write(`${JSON.stringify({ load_average: Math.round(load * 10) / 10, pages, live })}\n`);
  } finally {
    await browser.close();
    await server.stop();
    built.remove();
  }
}
if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
