import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../platform/config.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { projectRoot } from '../platform/paths.ts';
import { ApiClient } from '../stack/api-client.ts';
import { DEMO_TELESCOPE, Demo, type DemoBooking } from '../stack/demo.ts';
import { SIMULATED_SEQUENCE_GUID, startStack, type Stack } from '../stack/stack.ts';
import { stopWithParent } from '../stack/supervisor.ts';

const HELP = `npm start: the demo observatory on embedded defaults, or your own where the environment names it.

  VOYAGER_HOST, TELESCOPES_FILE   connect to a real Voyager: no simulator, no demo booking
  DATABASE_URL                    your PostgreSQL instead of the embedded one
  TEMPORAL_ADDRESS                your Temporal instead of the embedded development server
  DATA_DIR                        folder for all data (.data)
Every other variable stands in .env.example. Logs: .data/logs. Start afresh: npm run reset.`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(`${HELP}\n`);
  const began = Date.now();
  const config = loadConfig();
  const dataDir = resolve(projectRoot, config.DATA_DIR);
  mkdirSync(dataDir, { recursive: true });
  const lock = join(dataDir, 'supervisor.pid');
  if (existsSync(lock) && alive(Number(readFileSync(lock, 'utf8'))))
    throw new UsageError(
      `nocturne runs already on ${config.DATA_DIR} (process ${readFileSync(lock, 'utf8').trim()}); stop it first, or set DATA_DIR to another folder.`,
    );
  writeFileSync(lock, String(process.pid));
  const demoFile = join(dataDir, 'demo.json');
  rmSync(demoFile, { force: true });

  const ending = new AbortController();
  let stack: Stack | null = null;
  let stopped: Promise<void> | null = null;
  let starting: Promise<Stack> | null = null;
  const stop = (reason: string): Promise<void> =>
    (stopped ??= (async () => {
      say(`Stopping (${reason}) …`);
      ending.abort();
      const running = stack ?? (await starting?.catch(() => null)) ?? null;
      await running?.stop();
      rmSync(demoFile, { force: true });
      rmSync(lock, { force: true });
      say('Stopped.');
    })());
  stopWithParent(
    (reason) =>
      void stop(reason).then(
        () => process.exit(0),
        () => process.exit(1),
      ),
  );

  const real = config.VOYAGER_HOST !== undefined || config.TELESCOPES_FILE !== undefined;
  starting = startStack({
    dataDir,
    env: process.env,
    ports: 'usual',
    report: say,
    simulator: real ? null : { telescope: { ...DEMO_TELESCOPE }, camera: { width: 1504, height: 1504 } },
  });
  try {
    stack = await starting;
  } catch (thrown) {
    rmSync(lock, { force: true });
    throw thrown;
  }
  if (ending.signal.aborted) return;
  const running = stack;
  const write = (booking: DemoBooking | null): void => writeDemo(demoFile, running, booking);
  say(
    `\n  Pages and API   ${stack.apiUrl}\n  Temporal UI     ${stack.temporalUiUrl ?? '(your own)'}\n  API key         in ${join(config.DATA_DIR, 'secrets.json')}\n  Ready in ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops all of it.\n`,
  );
  if (real) {
    write(null);
    await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
  } else {
    let first = true;
    const demo = new Demo(
      new ApiClient(stack.apiUrl, stack.apiKey),
      say,
      (booking) => {
        write(booking);
        if (first) say(`  Watch the night ${booking.controlUrl}\n`);
        first = false;
      },
      ending.signal,
    );
    await demo.run();
  }
  await stop('over');
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
function alive(pid: number): boolean {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start');
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

main().catch((thrown: unknown) => {
  say(thrown instanceof UsageError ? thrown.message : (toError(thrown).stack ?? String(thrown)));
  process.exit(thrown instanceof UsageError ? 2 : 1);
});
