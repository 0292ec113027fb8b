/**
 * PM2: `npm ci && npm run build && npm run migrate && pm2 start ecosystem.config.cjs`. Each process reads .env by itself (see .env.example); what
 * stands in the shell wins. The gateway is never started twice: one process owns Voyager's socket. Worker and api may have more instances.
 */
const path = require('node:path');

const processOf = (name, heapMb, youngMb = 2) => ({
  name: `nocturne-${name}`,
  script: path.join(__dirname, 'dist', name, 'main.js'),
  cwd: __dirname,
  exec_mode: 'fork',
  instances: 1,
  node_args: [`--max-semi-space-size=${youngMb}`, '--enable-source-maps', `--max-old-space-size=${heapMb}`],
  env: {
    NODE_ENV: 'production',
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '131072',
  },
  kill_timeout: 15_000,
  exp_backoff_restart_delay: 200,
  // Settings that cannot work: starting again changes nothing.
  stop_exit_codes: [2],
  merge_logs: true,
});

module.exports = { apps: [processOf('gateway', 256), processOf('worker', 384), processOf('api', 256, 8)] };
