import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Stage, type Night } from './night.ts';

/** What Temporal's own page says of a session: the state of now, late into the night. */
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const details = async (night: Night): Promise<string> =>
  (await night.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;

test('the details follow frames and checks, and no event of the history pays for it', async () => {
  const said: string[] = [];
  const night = await stage.prepare({
    id: 'details',
    startsIn: 600,
    slotSeconds: 3600,
    shots: [{ filter: 'L', exposure_seconds: 120, quantity: 20 }],
    policy: { prepare_lead: 300, check_interval: 300 },
    steps: [
      { at: 900, do: (n) => n.handle.signal('framesWaiting', { upTo: { epoch: 1, n: 6 } }) },
      { at: 930, do: async (n) => said.push(await details(n)) },
    ],
  });
  await night.live();
  expect(said[0]).toMatch(/shots [1-9]\d*\/20/);
  expect(said[0]).toMatch(/Frames: [1-9]\d* archived of [1-9]\d*/);
  expect(said[0]).toMatch(/Next: (check|end) at/);
  expect(await details(night)).toContain('**completed**');
}, 60_000);
