import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Locale } from '../../domain/reasons.ts';
import { Problem } from '../errors.ts';

/** Where Debian, Ubuntu, Alpine and Google put it; the shell is the same engine without a desktop's windows. */
const USUAL = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const PRINT_MS = 60_000;
/** One is printed at a time; so many more may wait. */
const MOST_WAITING = 4;

/** The browser that prints. @throws Problem `not_installed` */
function browserOf(configured: string | undefined): string {
  const found = configured ?? USUAL.find((path) => existsSync(path));
  if (found && existsSync(found)) return found;
  throw new Problem(
    'not_installed',
    `A PDF is printed by Chromium, and ${configured ? `CHROMIUM_PATH names ${configured}, which is not there` : 'none is installed here'}: install the package chromium-headless-shell beside the api, or set CHROMIUM_PATH. The report’s page prints from any browser.`,
  );
}

/** In the page: all pictures are here, those that a busy server refused after another try, and no address stands that ends within the hour. */
const SETTLED = `(async () => {
  for (const link of document.querySelectorAll('a[href*="sig="]')) link.removeAttribute('href');
  const pictures = [...document.images].filter((image) => image.src !== '');
  const lacking = () => pictures.filter((image) => !image.complete || image.naturalWidth === 0);
  for (const image of pictures) image.loading = 'eager';
  await Promise.allSettled(pictures.map((image) => image.decode()));
  for (let again = 0; again < 2 && lacking().length > 0; again += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.allSettled(lacking().map((image) => ((image.src = image.src), image.decode())));
  }
  await document.fonts.ready;
})()`;

export interface Printed {
  url: string;
  locale: Locale;
  /** Stands in the file as the time of its making, so that the same report makes the same file. */
  madeAt: string;
}

/** Prints pages to PDF, one after the other, each in a browser of its own. */
export class Printer {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  constructor(
    private readonly configured: string | undefined,
    private readonly sandbox: boolean,
  ) {}

  /** @throws Problem `not_installed` or `busy` */
  async print(what: Printed): Promise<Buffer> {
    const executablePath = browserOf(this.configured);
    if (this.waiting > MOST_WAITING)
      throw new Problem('busy', 'Other reports are being printed; ask again in a minute.');
    this.waiting += 1;
    const turn = this.last.then(() => printed(executablePath, this.sandbox, what));
    this.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.waiting -= 1;
    }
  }
}

async function printed(executablePath: string, sandbox: boolean, { url, locale, madeAt }: Printed): Promise<Buffer> {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath,
    timeout: PRINT_MS,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    chromiumSandbox: sandbox && process.getuid?.() !== 0,
  });
  try {
    const page = await opened(browser, url, locale);
    const margin = { top: '12mm', right: '12mm', bottom: '12mm', left: '12mm' };
    const pdf = await page.pdf({ format: 'A4', margin, printBackground: true, tagged: true });
    return dated(pdf, madeAt);
  } finally {
    await browser.close();
  }
}

/** The page with all that it shows; nothing from elsewhere is fetched. */
async function opened(browser: Browser, url: string, locale: Locale): Promise<Page> {
  const context = await browser.newContext({ locale: locale === 'fr' ? 'fr-FR' : 'en-GB', reducedMotion: 'reduce' });
  context.setDefaultTimeout(PRINT_MS);
  const page = await context.newPage();
  const own = new URL(url).origin;
  await page.route('**/*', (route) =>
    new URL(route.request().url()).origin === own ? route.continue() : route.abort(),
  );
  await page.goto(url);
  await page.waitForSelector('[data-whole]');
  await page.emulateMedia({ media: 'print' });
  await page.evaluate(SETTLED);
  return page;
}

/**
 * The same file with another time of making, in as many bytes, since the file counts them. Chromium names the nodes of the structure by a count that
 * depends on how often the page was drawn: they are numbered in their order, which the file's own index of them keeps.
 */
function dated(pdf: Buffer, madeAt: string): Buffer {
  const digits = madeAt.replace(/\D/g, '').slice(0, 14);
  const text = pdf.toString('latin1').replace(/(\/(?:CreationDate|ModDate) ?\(D:)\d{14}/g, `$1${digits}`);
  const nodes = [...new Set(text.match(NODE))].sort();
  const places = new Map(nodes.map((node, i) => [node, `(node${String(i).padStart(8, '0')})`]));
  return Buffer.from(
    text.replace(NODE, (node) => places.get(node)!),
    'latin1',
  );
}
const NODE = /\(node\d{8}\)/g;
