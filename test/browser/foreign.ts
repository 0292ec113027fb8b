import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { projectPath } from '../../platform/paths.ts';

/** Somebody else's web server, such as a Laravel app: another origin, its own Alpine, its own strict policy. */
export interface ForeignSite {
  origin: string;
  /** The page that the site answers with: its body, and its content security policy. */
  serve(page: { html: string; policy: string }): void;
  stop(): Promise<void>;
}

const alpine = readFileSync(createRequire(import.meta.url).resolve('@alpinejs/csp/dist/cdn.min.js'));

export async function startForeignSite(): Promise<ForeignSite> {
  let page = { html: '', policy: '' };
  const server = createServer((request, response) => {
    if (request.url === '/alpine.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(alpine);
    else if (request.url === '/')
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': page.policy })
        .end(page.html);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (next) => void (page = next),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The component's snippet of docs/embedding.md as Blade writes it out: each `{{ … }}` and `@js(…)` with its value, comments gone. */
export function bladeOutput(values: { url: string; bookingId: string; token: string; locale: string }): string {
  const guide = readFileSync(projectPath('docs', 'embedding.md'), 'utf8');
  const snippet = /### The component\s[\s\S]*?```blade\n([\s\S]*?)```/.exec(guide)?.[1];
  if (!snippet) throw new Error('docs/embedding.md has no snippet under "The component"');
  const known: Record<string, string> = {
    "config('nocturne.url')": values.url,
    '$booking->id': values.bookingId,
    $token: values.token,
    'app()->getLocale()': values.locale,
  };
  const of = (expression: string): string => {
    const value = known[expression.trim()];
    if (value === undefined) throw new Error(`docs/embedding.md uses ${expression}, which this test does not know`);
    return value;
  };
  return snippet
    .replace(/\{\{--[\s\S]*?--\}\}/g, '')
    .replace(/\{\{\s*(.*?)\s*\}\}/g, (_all, expression: string) => of(expression))
    .replace(/@js\(((?:[^()]|\([^()]*\))*)\)/g, (_all, expression: string) => `'${of(expression)}'`);
}

/** What docs/embedding.md asks of an embedding page's policy, and nothing more. */
export const embeddingPolicy = (api: string): string =>
  `default-src 'none'; script-src 'self' ${api}; style-src ${api}; connect-src ${api} ${api.replace('http', 'ws')}; img-src ${api} blob:; base-uri 'none'; form-action 'none'`;
