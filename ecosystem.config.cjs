/**
 * PM2: `npm ci && npm run build && npm run migrate && pm2 start ecosystem.config.cjs`. Variables come from the shell or from .env (see .env.example).
 * The gateway is never started twice: one process owns Voyager's socket. Worker and api may have more instances.
 */
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');

/** KEY=value lines of .env; what stands in the shell already wins. */
function environment() {
  const file = path.join(__dirname, '.env');
  const found = {};
  if (existsSync(file))
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
      if (match && process.env[match[1]] === undefined) found[match[1]] = match[2].replace(/^(["'])(.*)\1$/, '$2');
    }
  return {
    NODE_ENV: 'production',
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '131072',
    ...found,
  };
}

const processOf = (name, heapMb) => ({
  name: `nocturne-${name}`,
  script: path.join(__dirname, 'dist', name, 'main.js'),
  cwd: __dirname,
  exec_mode: 'fork',
  instances: 1,
  node_args: ['--max-semi-space-size=2', '--enable-source-maps', `--max-old-space-size=${heapMb}`],
  env: environment(),
  kill_timeout: 15_000,
  exp_backoff_restart_delay: 200,
  merge_logs: true,
});

module.exports = { apps: [processOf('gateway', 256), processOf('worker', 384), processOf('api', 256)] };
