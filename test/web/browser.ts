import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';
import { projectPath } from '../../platform/paths.ts';

const firstOf = (...paths: string[]): string | null => paths.find((path) => existsSync(path)) ?? null;
const DESKTOP = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** The headless shell is the same engine without a desktop's windows, for three fifths of the processor time. */
export const CHROMIUM = process.env.CHROMIUM_PATH ?? firstOf('/usr/bin/chromium-headless-shell', ...DESKTOP);
/** The whole browser, for what the shell does not keep: notifications. */
export const WHOLE_CHROMIUM = process.env.CHROMIUM_PATH ?? firstOf(...DESKTOP);
if (CHROMIUM === null)
  console.warn(
    'SKIPPED: browser tests need Chromium (set CHROMIUM_PATH, or install the package "chromium-headless-shell").',
  );

export const launch = (executablePath: string | null = CHROMIUM): Promise<Browser> =>
  chromium.launch({
    executablePath: executablePath!,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--enable-precise-memory-info',
      // A name that is no loopback: its plain http pages are no secure context, on any machine.
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      '--js-flags=--expose-gc',
    ],
  });

/** The pages, built into a folder of their own; esbuild runs in a child, since it does not work inside a test's realm. */
export async function buildPages({ minify = true } = {}): Promise<{ root: string; remove(): void }> {
  const root = mkdtempSync(join(tmpdir(), 'nocturne-web-'));
  const script = `const { buildWeb } = await import(${JSON.stringify(pathToFileURL(projectPath('web', 'build.mjs')).href)}); await buildWeb({ outdir: ${JSON.stringify(root)}, minify: ${minify} }); process.exit(0);`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface Opened {
  page: Page;
  /** Errors of scripts and of the content security policy, and requests to other hosts. */
  faults: string[];
  close(): Promise<void>;
}
export interface OpenOptions {
  phone?: boolean;
  locale?: 'fr-FR' | 'en-GB';
  /** Animations run: drawn without a graphics card they cost more than all the rest, so only what measures them wants them. */
  motion?: boolean;
  permissions?: string[];
  timezone?: string;
  /** Origins beside its own that the page may ask. */
  hosts?: string[];
  /** The page's clock can be moved on with `pass`. */
  clock?: boolean;
  /** Runs in the page before its own scripts, with its argument. */
  init?: [script: (argument: string[]) => void, argument: string[]];
}
export async function open(browser: Browser, url: string, options: OpenOptions = {}): Promise<Opened> {
  const context = await browser.newContext({
    viewport: options.phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    hasTouch: options.phone === true,
    isMobile: options.phone === true,
    locale: options.locale ?? 'en-GB',
    reducedMotion: options.motion ? 'no-preference' : 'reduce',
    ...(options.permissions ? { permissions: options.permissions } : {}),
    ...(options.timezone ? { timezoneId: options.timezone } : {}),
  });
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy ${event.violatedDirective}: ${event.blockedURI}`),
    ),
  );
  if (options.init) await context.addInitScript(...options.init);
  if (options.clock) await context.clock.install();
  const page = await context.newPage();
  const faults: string[] = [];
  const own = [url, ...(options.hosts ?? [])].map((known) => new URL(known).host);
  page.on('pageerror', (thrown) => faults.push(`script: ${thrown.stack ?? thrown.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()))
      faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { host, protocol } = new URL(request.url());
    if (/^https?:|^wss?:/.test(protocol) && !own.includes(host)) faults.push(`other host: ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults, close: () => context.close() };
}

/** The page lives through so many seconds at once; what it asks of the server in them is answered in between. */
export async function pass(page: Page, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await page.clock.runFor(1_000);
}

/** Waits until an element's text matches. */
export const seeText = (page: Page, selector: string, text: string | RegExp, timeout = 15_000): Promise<unknown> =>
  page
    .locator(selector)
    .filter({ hasText: text })
    .first()
    .waitFor({ state: 'visible', timeout })
    .catch(async (thrown: unknown) => {
      const is = await page.locator(selector).allInnerTexts();
      throw new Error(`${selector} does not show ${String(text)} but ${JSON.stringify(is)}`, { cause: thrown });
    });

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Serious and critical findings of axe-core, as "rule: selector". */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { violations } = await (
      window as unknown as {
        axe: {
          run(
            context: Document,
            options: object,
          ): Promise<{
            violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
          }>;
        };
      }
    ).axe.run(document, { resultTypes: ['violations'], iframes: false });
    return violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary.slice(0, 160)}`));
  });
}
