import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { buildPages, launch, open, type Opened, type OpenOptions } from './browser.ts';
import { startPageServer, type PageServer } from './server.ts';

/** What the tests of one `describe` look at in Chromium. */
export interface PageStage {
  browser: Browser;
  server: PageServer;
  /** Opens an address, or a path of the server's; closed after the test. */
  visit: (path: string, options?: OpenOptions) => Promise<Opened>;
}

/** Builds the pages and starts the browser once for the `describe` that calls this, and a server for each of its tests. */
export function pagesInChromium(): PageStage {
  let built: Awaited<ReturnType<typeof buildPages>> | null = null;
  let opened: Opened[] = [];
  const stage = {
    visit: async (path: string, options?: OpenOptions) => {
      const one = await open(stage.browser, new URL(path, stage.server.url).href, options);
      opened.push(one);
      return one;
    },
  } as PageStage;
  beforeAll(async () => {
    built = await buildPages();
    stage.browser = await launch();
  }, 120_000);
  afterAll(async () => {
    await stage.browser?.close();
    built?.remove();
  });
  beforeEach(async () => {
    opened = [];
    stage.server = await startPageServer({ webRoot: built!.root });
  });
  afterEach(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await stage.server.stop();
  });
  return stage;
}
