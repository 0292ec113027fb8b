import { buildId } from '../platform/build.ts';
import { describeDeployment, setCurrentVersion } from '../platform/deployment.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import type { Layout } from './layout.ts';

const LOOK_EVERY_MS = 15_000;

/**
 * This stack deploys its own build: its version of the worker becomes the current one, and is made so again where the embedded server has lost its
 * data. A server of somebody else is told once, since another may deploy to it later.
 * @returns `first` resolves when it is the current one; `end` stops looking
 */
export function deployOwnBuild(at: Layout): { first: Promise<void>; end: () => Promise<void> } {
  const { client, connection } = createTemporalClient({ ...at.config, TEMPORAL_ADDRESS: at.temporalAddress });
  const build = buildId();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const deploy = async (): Promise<void> => {
    if ((await describeDeployment(client)).current !== build) await setCurrentVersion(client, build);
  };
  const first = (async () => {
    while (!ended) {
      try {
        await deploy();
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
    if (at.embedded.temporal && !ended)
      timer = setInterval(() => void deploy().catch(() => undefined), LOOK_EVERY_MS).unref();
  })();
  const end = async (): Promise<void> => {
    ended = true;
    clearInterval(timer);
    await connection.close();
  };
  return { first, end };
}
