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

/** One first visit to a page, with an empty cache, over loopback; without `motion` it holds still (OpenOptions). */
export async function weigh(browser: Browser, origin: string, path: string, motion = true): Promise<PageFigures> {
  const context = await browser.newContext({ reducedMotion: motion ? 'no-preference' : 'reduce' });
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
        for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[])
          if (!entry.hadRecentInput) seen.shift += entry.value;
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
  const state = telescopeState(server.night);
  const image = imageSummary(1, server.night);
  const result = await page.evaluate(
    async ({ state, image, updates }) => {
      const shifts: number[] = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number }[]) shifts.push(entry.value);
      }).observe({ type: 'layout-shift' });
      const { Alpine } = window as unknown as {
        Alpine: { $data(el: Element): { handleRealtimeData(event: unknown): void } };
      };
      const component = Alpine.$data(document.querySelector('.telescope-control')!);
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
        component.handleRealtimeData({ ...envelope, type: 'control.updated', data });
        if (i % 60 === 0)
          component.handleRealtimeData({
            ...envelope,
            type: 'image.captured',
            data: { ...image, id: `load-${i}`, filename: `load-${i}.fit` },
          });
        if (i % 10 === 0)
          component.handleRealtimeData({
            ...envelope,
            type: 'log.appended',
            data: {
              at,
              level: 'INFO',
              source: 'session',
              event: 'x',
              message: `line ${i}`,
              message_fr: null,
              data: {},
            },
          });
        if (i % 4 === 3) await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const heapAfter = memory.settled();
      return {
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
  return {
    updates,
    heap_before_mb: round(result.heapBefore / 1e6),
    heap_after_mb: round(result.heapAfter / 1e6),
    heap_growth: round((result.heapAfter - result.heapBefore) / result.heapBefore),
    elements: result.elements,
    log_lines: result.logs,
    tiles: result.tiles,
    layout_shift: round(result.shift),
  };
}

export interface ThreadFigures {
  updates: number;
  /** Between one update and the next. */
  interval_ms: number;
  /** CPU time of the page's main thread from one event on the socket to the next: reading it, script, style, layout and painting together. */
  update_thread_ms: { p50: number; p95: number; max: number };
  /** The longest task of each update: what a tap may have to wait for. */
  longest_task_thread_ms: { p50: number; p95: number; max: number };
  /** Where the time of all updates went, each as milliseconds per update. */
  script_ms: number;
  style_ms: number;
  layout_ms: number;
  /** The same page for the same time without an event: its clocks, animations and timers. */
  idle_thread_ms_per_second: number;
}
interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}
const TRACED = ['toplevel', 'blink.user_timing'];
const MARK = 'nocturne-update';
const round = (value: number): number => Math.round(value * 100) / 100;
const spread = (values: number[]): { p50: number; p95: number; max: number } => {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    p50: round(sorted[Math.floor(sorted.length * 0.5)]!),
    p95: round(sorted[Math.floor(sorted.length * 0.95)]!),
    max: round(sorted.at(-1)!),
  };
};

/**
 * CPU time of the main thread for each update, out of Chromium's own trace: every task of the page's thread between the marks of two
 * events, by thread time, which no other process of the machine can lengthen. Events come over the socket, as they do at night.
 */
export async function measureThread(
  browser: Browser,
  page: Page,
  server: PageServer,
  updates = 300,
  intervalMs = 100,
): Promise<ThreadFigures> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const metrics = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await cdp.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value * 1_000]),
    );
  const quiet = await metrics();
  await page.waitForTimeout(3_000);
  const still = await metrics();
  await page.evaluate((mark) => document.addEventListener('nocturne:event', () => performance.mark(mark)), MARK);
  await browser.startTracing(page, { categories: TRACED });
  const before = await metrics();
  const { night } = server;
  for (let i = 0; i < updates; i++) {
    night.rev++;
    const state = telescopeState(night);
    server.push('control.updated', {
      ...state,
      at: new Date(Date.parse(state.at) + i * 2_000).toISOString(),
      focuser: { ...state.focuser, position: 10_000 + (i % 50) },
      guiding: { ...state.guiding, x_px: Math.sin(i), y_px: Math.cos(i) },
      exposure: { ...state.exposure, elapsed_seconds: i % 120 },
    });
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  const after = await metrics();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString('utf8')) as { traceEvents: TraceEvent[] };
  const marks = traceEvents.filter((event) => event.name === MARK).sort((a, b) => a.ts - b.ts);
  const { pid, tid } = marks[0]!;
  const tasks = traceEvents
    .filter(
      (event) =>
        event.pid === pid && event.tid === tid && event.name === 'ThreadControllerImpl::RunTask' && event.ph === 'X',
    )
    .sort((a, b) => a.ts - b.ts);
  const sums: number[] = [];
  const longest: number[] = [];
  for (let at = 0, i = 0; i + 1 < marks.length; i++) {
    // The task in which the event is read has begun a little before its mark.
    const end = marks[i + 1]!.ts;
    let sum = 0;
    let most = 0;
    for (; at < tasks.length && tasks[at]!.ts + (tasks[at]!.dur ?? 0) < end; at++) {
      const ms = (tasks[at]!.tdur ?? tasks[at]!.dur ?? 0) / 1_000;
      sum += ms;
      most = Math.max(most, ms);
    }
    // Before the first mark stands whatever came before the run.
    if (i > 0) {
      sums.push(sum);
      longest.push(most);
    }
  }
  const each = (name: string): number => round((after[name]! - before[name]!) / updates);
  return {
    updates: sums.length,
    interval_ms: intervalMs,
    update_thread_ms: spread(sums),
    longest_task_thread_ms: spread(longest),
    script_ms: each('ScriptDuration'),
    style_ms: each('RecalcStyleDuration'),
    layout_ms: each('LayoutDuration'),
    idle_thread_ms_per_second: round((still.TaskDuration! - quiet.TaskDuration!) / 3),
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
    const watched = await open(browser, `${server.url}/control/${BOOKING_ID}#token=guest`, { motion: true });
    await watched.page.locator('[data-item="gallery"] li').first().waitFor();
    const thread = await measureThread(browser, watched.page, server);
    const live = await pressLive(watched.page, server, Number(values.updates));
    process.stdout.write(`${JSON.stringify({ load_average: Math.round(load * 10) / 10, pages, thread, live })}\n`);
  } finally {
    await browser.close();
    await server.stop();
    built.remove();
  }
}
if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
