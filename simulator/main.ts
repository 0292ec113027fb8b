import { mkdirSync } from 'node:fs';
import { UsageError, toError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { endWith, onShutdown } from '../platform/process.ts';
import { readFaults } from './faults.ts';
import { createObservatory, type Observatory } from './observatory.ts';
import { optionsFromEnvironment, readEnvironment } from './options.ts';

/** The simulator as a process: one to three Voyager instances. `--fits DIR` is the same as SIM_FITS_DIR. */
async function main(): Promise<void> {
  const logger = createLogger('simulator', process.env.LOG_LEVEL ?? 'info');
  const at = process.argv.indexOf('--fits');
  const fits = at < 0 ? undefined : process.argv[at + 1];
  if (at >= 0 && fits === undefined) throw new UsageError('--fits needs a folder');
  const env = readEnvironment({ ...process.env, ...(fits === undefined ? {} : { SIM_FITS_DIR: fits }) });
  const faults = env.SIM_FAULTS ? readFaults(env.SIM_FAULTS) : [];
  mkdirSync(env.SIM_DATA_DIR, { recursive: true });
  const instances: Observatory[] = [];
  onShutdown(logger, async () => {
    await Promise.all(instances.map((o) => o.stop()));
  });
  for (let n = 1; n <= env.SIM_INSTANCES; n++) {
    const observatory = await createObservatory(optionsFromEnvironment(env, n, faults));
    instances.push(observatory);
    logger.info(
      {
        instance: n,
        port: observatory.port,
        alpaca: observatory.alpacaUrl,
        control: observatory.controlUrl,
        data: env.SIM_DATA_DIR,
        site: observatory.world.options.site,
      },
      'Voyager is up',
    );
  }
}

main().catch((thrown: unknown) =>
  endWith(
    (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE'
      ? new UsageError(
          `Simulator: ${toError(thrown).message}; set SIM_PORT, SIM_ALPACA_PORT or SIM_CONTROL_PORT to a free port (0 = any).`,
        )
      : thrown,
  ),
);
