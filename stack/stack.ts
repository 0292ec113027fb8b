import { environment } from '../platform/settings/environment.ts';
import { layOut, type Layout } from './layout.ts';
import { ourProcess, startSimulator, type SimulatorOptions } from './processes.ts';
import { deployOwnBuild } from './promote.ts';
import { startPostgres, startTemporal } from './servers.ts';
import { closeFolder } from './secrets.ts';
import { forgetStack, writeStack } from './stack-file.ts';
import { Supervisor } from './supervisor.ts';

export interface StackOptions {
  /** Everything is kept below it. */
  dataDir: string;
  /** The caller's environment (with .env where it is that of this process): DATABASE_URL, TEMPORAL_ADDRESS and VOYAGER_HOST switch the embedded parts off; the rest is passed on. */
  env: NodeJS.ProcessEnv;
  /** `usual`: the documented ports where they are free; `free`: any. */
  ports: 'usual' | 'free';
  /** The simulated observatory; null with a real Voyager. */
  simulator: SimulatorOptions | null;
  report: (line: string) => void;
  /** A process of ours that said that it can never work (exit code 2), after the start. */
  onFinal?: (thrown: Error) => void;
}

export interface Stack {
  supervisor: Supervisor;
  apiUrl: string;
  apiKey: string;
  app: { id: string; key: string; secret: string };
  databaseUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  temporalUiUrl: string | null;
  /** Temporal's command line program where it runs the embedded server. */
  temporalCli: string | null;
  voyagerPort: number | null;
  simulatorControlUrl: string | null;
  simulatorDir: string | null;
  storagePath: string;
  workerUrl: string;
  gatewayUrl: string;
  pids(): Record<'gateway' | 'worker' | 'api' | 'simulator' | 'temporal' | 'postgres', number | null>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL, Temporal, the simulated observatory and our processes, where the environment names no real one, and waits until ours serve. It
 * says what it does, and which port it took instead of a taken one.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, report, simulator } = options;
  const env = options.env === process.env ? environment() : options.env;
  const mask = closeFolder(dataDir);
  const wanted = { usualPorts: options.ports === 'usual', simulator: simulator !== null };
  const at = await layOut(dataDir, env, wanted, report);
  const supervisor = new Supervisor(report, options.onFinal);
  let deployed: ReturnType<typeof deployOwnBuild> | null = null;
  const stop = async (): Promise<void> => {
    forgetStack(dataDir);
    await deployed?.end();
    await supervisor.stopAll([['api', 'worker', 'gateway'], ['simulator'], ['temporal'], ['postgres']]);
    process.umask(mask);
  };
  let temporalCli: string | null = null;
  try {
    [, temporalCli] = await Promise.all([
      startPostgres(at, supervisor, report),
      startTemporal(at, env, supervisor, report),
    ]);
    const voyager = simulator ? await startSimulator(at, env, simulator, supervisor) : {};
    if (simulator) report('The simulated observatory is ready.');
    const path = at.embedded.temporal && simulator ? 'readyz' : 'healthz';
    const ours = (name: 'gateway' | 'worker' | 'api', heapMb: number, url: string) =>
      supervisor.start(ourProcess(at, env, { name, heapMb, more: voyager, readyUrl: `${url}/${path}` }));
    await Promise.all([
      ours('gateway', 256, at.gatewayUrl),
      ours('worker', 384, at.workerUrl),
      ours('api', 192, at.apiUrl),
    ]);
    deployed = deployOwnBuild(at);
    if (at.embedded.temporal) await deployed.first;
    writeStack(at, env, voyager);
    report('Gateway, worker and API are ready.');
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return running(at, supervisor, temporalCli, stop);
}

function running(at: Layout, supervisor: Supervisor, temporalCli: string | null, stop: () => Promise<void>): Stack {
  const pid = (name: string): number | null => supervisor.pid(name);
  const { simulator } = at.embedded;
  return {
    supervisor,
    apiUrl: at.apiUrl,
    apiKey: at.apiKey,
    app: at.app,
    databaseUrl: at.databaseUrl,
    temporalAddress: at.temporalAddress,
    temporalNamespace: at.config.TEMPORAL_NAMESPACE,
    temporalUiUrl: at.temporalUiUrl,
    temporalCli,
    voyagerPort: simulator ? at.ports.simulator : null,
    simulatorControlUrl: simulator ? `http://127.0.0.1:${at.ports.simulatorControl}` : null,
    simulatorDir: simulator ? at.simulatorDir : null,
    storagePath: at.storagePath,
    workerUrl: at.workerUrl,
    gatewayUrl: at.gatewayUrl,
    stop,
    pids: () => ({
      gateway: pid('gateway'),
      worker: pid('worker'),
      api: pid('api'),
      simulator: pid('simulator'),
      temporal: pid('temporal'),
      postgres: pid('postgres'),
    }),
  };
}
