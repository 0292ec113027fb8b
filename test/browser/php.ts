import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { embeddingPolicy } from './foreign.ts';

/** PHP 8, which the owner's site runs on; the test of the snippet skips without it, and says so. */
export const PHP = ((): boolean => {
  const found = /^PHP (\d+)\./.exec(spawnSync('php', ['-v'], { encoding: 'utf8', timeout: 10_000 }).stdout ?? '');
  if (found && Number(found[1]) >= 8) return true;
  console.warn('SKIPPED: the embedding snippet in a page of PHP needs PHP 8 (package "php-cli").');
  return false;
})();

/** What the site's pages know: config('nocturne.url'), config('nocturne.key'), $booking->id, app()->getLocale(). */
export interface PhpPage {
  url: string;
  key: string;
  bookingId: string;
  locale: 'fr' | 'en';
}
export interface PhpSite {
  origin: string;
  serve(page: PhpPage): void;
  stop(): Promise<void>;
}

/** A code block of docs/embedding.md, word for word. */
function block(language: 'php' | 'blade', heading: string): string {
  const guide = readFileSync(projectPath('docs', 'embedding.md'), 'utf8');
  const found = new RegExp(`### ${heading}\\s[\\s\\S]*?\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1];
  if (!found) throw new Error(`docs/embedding.md has no ${language} block under "${heading}"`);
  return found;
}

/** What Blade makes of a template that uses `{{ }}`, `@js()` and comments alone. */
const compileBlade = (template: string): string =>
  template
    .replace(/\{\{--[\s\S]*?--\}\}/g, '')
    .replace(/\{\{\s*(.+?)\s*\}\}/g, '<?= e($1) ?>')
    .replace(/@js\(((?:[^()]|\([^()]*\))*)\)/g, '<?= js($1) ?>');

/** The names of Laravel that the guide's code uses, in plain PHP: helpers, the HTTP client's three calls, and a view. */
const LARAVEL = `<?php
$page = json_decode(file_get_contents(__DIR__.'/page.json'), true);
function config(string $name): string { global $page; return ['nocturne.url' => $page['url'], 'nocturne.key' => $page['key']][$name]; }
function app(): object { return new class { public function getLocale(): string { global $page; return $page['locale']; } }; }
function e(string $text): string { return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8'); }
function js(string $value): string { return "'".substr(json_encode($value, JSON_HEX_TAG | JSON_HEX_APOS | JSON_HEX_AMP | JSON_HEX_QUOT | JSON_THROW_ON_ERROR), 1, -1)."'"; }
function view(string $name, array $data): string { extract($data); ob_start(); require __DIR__."/$name.php"; return ob_get_clean(); }
final class Answer {
    public function __construct(private int $status, private string $body) {}
    public function throw(): static { if ($this->status >= 400) { throw new RuntimeException("HTTP $this->status: $this->body"); } return $this; }
    public function json(string $key): mixed { return json_decode($this->body, true, flags: JSON_THROW_ON_ERROR)[$key]; }
}
final class Http {
    private function __construct(private array $headers) {}
    public static function withHeaders(array $headers): static { return new static($headers); }
    public function post(string $url, array $data): Answer {
        $lines = ['Content-Type: application/json', 'Accept: application/json'];
        foreach ($this->headers as $name => $value) { $lines[] = "$name: $value"; }
        $context = stream_context_create(['http' => ['method' => 'POST', 'header' => $lines, 'content' => json_encode($data), 'ignore_errors' => true, 'timeout' => 10]]);
        $body = file_get_contents($url, false, $context);
        preg_match('~^HTTP/\\S+ (\\d+)~', $http_response_header[0], $status);
        return new Answer((int) $status[1], $body);
    }
}
$booking = (object) ['id' => $page['bookingId']];
`;
const ROUTER = `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/alpine.js') { header('Content-Type: text/javascript'); readfile(__DIR__.'/alpine.js'); return; }
if ($path !== '/') { http_response_code(404); return; }
require __DIR__.'/laravel.php';
header('Content-Type: text/html; charset=utf-8');
header('Content-Security-Policy: '.$page['policy']);
echo (function () use ($booking) { return require __DIR__.'/controller.php'; })();
`;

/** The owner's site in miniature: PHP's own server, the guide's controller code and its snippet, a content security policy, Alpine of its own. */
export async function startPhpSite(): Promise<PhpSite> {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-php-'));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write('laravel.php', LARAVEL);
  write('router.php', ROUTER);
  write('controller.php', `<?php\n${block('php', 'The component')}`);
  write(
    'observe.php',
    `<!doctype html><html lang="<?= e(app()->getLocale()) ?>"><head><meta charset="utf-8"><title>Laravel</title></head><body>${compileBlade(block('blade', 'The component'))}<script src="/alpine.js" defer></script></body></html>`,
  );
  copyFileSync(createRequire(import.meta.url).resolve('@alpinejs/csp/dist/cdn.min.js'), join(folder, 'alpine.js'));
  const port = await freePort();
  const child = spawn('php', ['-d', 'display_errors=1', '-S', `127.0.0.1:${port}`, 'router.php'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk).includes('started') && resolve());
    child.once('exit', (code) => reject(new Error(`php ended with ${code}: ${output}`)));
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    serve: (page) => write('page.json', JSON.stringify({ ...page, policy: embeddingPolicy(page.url) })),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
