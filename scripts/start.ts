import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dialectProblems } from '../gateway/robotarget/dialect.ts';
import { lacksForSessions } from '../gateway/service.ts';
import { projectRoot } from '../platform/paths.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings, type Settings } from '../platform/settings/load.ts';
import { ApiClient } from '../stack/api-client.ts';
import { DEMO_TELESCOPE, Demo, type DemoBooking } from '../stack/demo.ts';
import { trimDemo } from './demo-disk.ts';
import { onDemoWanted } from '../stack/demo-wanted.ts';
import { endsOnce } from '../stack/ending.ts';
import { takeLock } from '../stack/lock.ts';
import { SIMULATED_SEQUENCE_GUID } from '../stack/processes.ts';
import { tellReadiness } from '../stack/readiness.ts';
import { startStack, type Stack } from '../stack/stack.ts';

const HELP = `npm start: the demo observatory on embedded defaults, or your own where the environment or .env names it.

  VOYAGER_HOST, TELESCOPES_FILE   connect to a real Voyager: no simulator, no demo booking
  DATABASE_URL                    your PostgreSQL instead of the embedded one
  TEMPORAL_ADDRESS                your Temporal instead of the embedded development server
  DATA_DIR                        folder for all data (.data)
Every other variable stands in .env.example. Logs: .data/logs. A first booking of your own: npm run book -- --now. Start afresh: npm run reset.`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(`${HELP}\n`);
  const began = Date.now();
  const settings = loadSettings({ check: (values) => dialectProblems(values.VOYAGER_ROBOTARGET_DIALECT) });
  const { config } = settings;
  const real = config.VOYAGER_HOST !== undefined || config.TELESCOPES_FILE !== undefined;
  if (real) tellWhatLacks(settings);
  const dataDir = resolve(projectRoot, config.DATA_DIR);
  const lock = takeLock(dataDir, config.DATA_DIR);
  const demoFile = join(dataDir, 'demo.json');
  rmSync(demoFile, { force: true });

  const ending = new AbortController();
  let starting: Promise<Stack> | null = null;
  const stop = endsOnce({
    begun: () => starting,
    say,
    first: () => ending.abort(),
    last: () => {
      rmSync(demoFile, { force: true });
      rmSync(lock, { force: true });
    },
  });
  starting = startStack({
    dataDir,
    env: process.env,
    ports: 'usual',
    report: say,
    simulator: real ? null : { telescope: { ...DEMO_TELESCOPE }, camera: { width: 1504, height: 1504 } },
    onFinal: (thrown) => void stop('a process cannot run as it is set').finally(() => endWith(thrown)),
  });
  const stack = await starting.catch((thrown: unknown) => {
    rmSync(lock, { force: true });
    throw thrown;
  });
  if (ending.signal.aborted) return;
  await tellWhere(stack, config.DATA_DIR, began);
  const write = (booking: DemoBooking | null): void => writeDemo(demoFile, stack, booking);
  if (real) {
    write(null);
    const { gatewayUrl: gateway, workerUrl: worker, apiUrl: api } = stack;
    await tellReadiness({ gateway, worker, api }, say, ending.signal);
  } else await runDemo(stack, write, ending.signal);
  await stop('over');
}

/** Looking needs an address alone; what sessions need besides is said now, not when the first booking fails. */
function tellWhatLacks({ config, telescopes }: Settings): void {
  for (const telescope of telescopes) {
    const lacks = lacksForSessions(telescope, config);
    if (lacks.length > 0)
      say(
        `Telescope "${telescope.id}" can be watched. To book it, set as well:\n${lacks.map((what) => `  ${what}`).join('\n')}`,
      );
  }
}

async function tellWhere(stack: Stack, dataDir: string, began: number): Promise<void> {
  const admin = await new ApiClient(stack.apiUrl, stack.apiKey)
    .call<{ control_url: string | null }>('POST', '/api/tokens', { kind: 'admin', subject: 'operator' })
    .catch(() => null);
  const rows = [
    ['Pages and API', stack.apiUrl],
    ['Admin', admin?.control_url ?? `${stack.apiUrl}/admin`],
    ['Temporal UI', stack.temporalUiUrl ?? '(your own)'],
    ...(stack.temporalCli ? [['Temporal CLI', `${stack.temporalCli} --address ${stack.temporalAddress}`]] : []),
    ['API key', `in ${join(dataDir, 'secrets.json')}`],
    ...(stack.voyagerPort ? [['Book your own', 'npm run book -- --now']] : []),
  ];
  const width = Math.max(...rows.map(([name]) => name!.length)) + 3;
  say(
    `\n${rows.map(([name, what]) => `  ${name!.padEnd(width)}${what}`).join('\n')}\n  Ready in ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops all of it.\n`,
  );
}

async function runDemo(stack: Stack, write: (booking: DemoBooking) => void, signal: AbortSignal): Promise<void> {
  let first = true;
  const demo = new Demo({
    api: new ApiClient(stack.apiUrl, stack.apiKey),
    report: say,
    onBooking: (booking) => {
      write(booking);
      if (first) say(`  Watch the night ${booking.controlUrl}\n`);
      first = false;
    },
    onEnd: async () => void (await trimDemo(stack.databaseUrl, stack.storagePath, stack.simulatorDir)),
    signal,
  });
  void onDemoWanted(stack.databaseUrl, (id) => demo.stepAside(id), signal);
  await demo.run();
}

/** What tools and tests need to find their way; the file appears when the demo booking runs. */
function writeDemo(file: string, stack: Stack, booking: DemoBooking | null): void {
  const body = {
    api_url: stack.apiUrl,
    api_key: stack.apiKey,
    app_id: stack.app.id,
    app_key: stack.app.key,
    app_secret: stack.app.secret,
    temporal_address: stack.temporalAddress,
    temporal_ui_url: stack.temporalUiUrl,
    database_url: stack.databaseUrl,
    voyager_port: stack.voyagerPort,
    sequence_guid: stack.voyagerPort ? SIMULATED_SEQUENCE_GUID : (process.env.VOYAGER_DEFAULT_SEQUENCE_GUID ?? null),
    booking_id: booking?.id ?? null,
    booking_token: booking?.token ?? null,
    control_url: booking?.controlUrl ?? null,
    pids: stack.pids(),
  };
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(body, null, 2)}\n`, { mode: 0o600 });
  rmSync(file, { force: true });
  writeFileSync(file, readFileSync(part), { mode: 0o600 });
  rmSync(part);
}

main().catch(endWith);
