import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../../platform/paths.ts';
import { nginxConfig } from '../../scripts/deploy/nginx.ts';

export const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));
if (!NGINX) console.warn('SKIPPED: pages behind a proxy need nginx (package "nginx-light").');

export interface Proxy {
  /** As a person at another computer writes it: plain http by name, so that the page is no secure context. Chromium here resolves it. */
  url: string;
  /** The same for programs. */
  local: string;
  stop(): Promise<void>;
}

/** A real nginx with the site of deploy/nginx, without its TLS, at this port and before this api. */
export async function startNginx(port: number, apiUrl: string): Promise<Proxy> {
  const told = readFileSync(projectPath('deploy', 'nginx', 'nocturne.conf'), 'utf8');
  const site = told
    .replace(/^server \{\n {4}listen 80;[^}]*\}\n/m, '')
    .replace(/^ +ssl_.*\n/gm, '')
    .replace('listen 443 ssl http2;', `listen ${port};`)
    .replace('127.0.0.1:3000', new URL(apiUrl).host);
  if (!site.includes(new URL(apiUrl).host) || !site.includes(String(port)))
    throw new Error('deploy/nginx: listen, proxy_pass');
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-nginx-'));
  // Its workers are another user.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, site));
  const child = spawn(NGINX!, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit');
  const local = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`nginx did not start: ${said}`);
    if (
      await fetch(local, { signal: AbortSignal.timeout(1_000) }).then(
        () => true,
        () => false,
      )
    )
      break;
  }
  return {
    url: `http://observe.test:${port}`,
    local,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
