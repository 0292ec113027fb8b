import { readFileSync } from 'node:fs';
import { ALERTS } from '../../domain/alerts.ts';
import { REASONS } from '../../domain/reasons.ts';
import { projectPath } from '../../platform/paths.ts';
import type { App } from '../operation.ts';

const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** The sentences of docs/operator-runbook.md for a reason: the columns "means" and "do" of its table. */
function fromRunbook(text: string, reason: string): { means: string; act: string } | null {
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) continue;
    const [, first = '', means = '', act = ''] = line.split(/(?<!\\)\|/).map((part) => part.trim());
    if (first.split(',').some((name) => name.trim() === `\`${reason}\``)) return { means, act };
  }
  return null;
}

/** What an alert's link opens: each reason with what it means and what to do, from the runbook. */
export function runbookRoutes(app: App): void {
  let page: string | null = null;
  app.get('/docs/runbook', (c) =>
    c.body((page ??= render(readFileSync(projectPath('docs', 'operator-runbook.md'), 'utf8'))), 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'self'; object-src 'none'; frame-ancestors 'none'",
    }),
  );
}

function render(text: string): string {
  const sections = (Object.keys(ALERTS) as (keyof typeof ALERTS)[]).map((reason) => {
    const known = fromRunbook(text, reason);
    const { severity, todo } = ALERTS[reason];
    return `<section class="panel" id="${reason}"><h2>${reason} <span class="chip">${severity}</span></h2><p>${escape(REASONS[reason].en)}</p>${known ? `<p>${escape(known.means)}</p>` : ''}<p><b>What to do:</b> ${escape(todo)}</p>${known ? `<p>${escape(known.act)}</p>` : ''}</section>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Runbook · nocturne</title><link rel="stylesheet" href="/assets/site.css"></head><body><main id="main"><div class="page"><h1>What each alert means and what to do</h1>${sections.join('')}</div></main></body></html>`;
}
