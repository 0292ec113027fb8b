import { setTimeout as sleep } from 'node:timers/promises';
import { DEMO_WANTED_CHANNEL } from '../domain/demo.ts';
import { connectPg } from '../platform/database.ts';

/** Tells each demo booking whose slot somebody else asked for, as the api says it. Connects again until it is told to stop. */
export async function onDemoWanted(
  databaseUrl: string,
  wanted: (bookingId: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await new Promise<void>((_resolve, reject) => {
        void connectPg(databaseUrl, reject)
          .then((client) => {
            client.on('notification', ({ payload }) => void wanted(payload ?? ''));
            client.on('end', () => reject(new Error('ended')));
            signal.addEventListener('abort', () => void client.end().catch(() => undefined), { once: true });
            return client.query(`LISTEN ${DEMO_WANTED_CHANNEL}`);
          }, reject)
          .catch(reject);
      });
    } catch {
      await sleep(2_000, undefined, { signal }).catch(() => undefined);
    }
  }
}
