import { RARE_KINDS, type Fault, type Step } from './kinds.ts';
import { chance, whole } from './random.ts';

const RARE = 0.07;
const GRID = 30;
const WORLD_SECOND = 20;
const PEOPLE_SECOND = 5;
/** Before the preparation of most nights, and after that of some. */
const FILE_CHANGES = [-30 * 3600, -1800] as const;

interface Drawn {
  faults: Fault[];
  steps: Step[];
  words: (kind: string) => [number, number, string];
  within: (kind: string, from: number, to: number, second: number) => number;
  slotSeconds: number;
}

/** Adds faults and stops of few nights, each with what it cuts off: rain unseen by any worker, a stop that misses the gateway. */
export function addRare({ faults, steps, words, within, slotSeconds }: Drawn): void {
  const p = (kind: string): number => chance(...words(kind));
  for (const kind of RARE_KINDS) {
    if (p(`rare ${kind}`) >= RARE) continue;
    const [from, to] = kind === 'telescope_file' ? FILE_CHANGES : [-600, slotSeconds * 0.8];
    const at = within(`at ${kind}`, from, to, WORLD_SECOND);
    const seconds = whole(4, p(`long ${kind}`) < 0.4 ? 360 : 60, ...words(`seconds ${kind}`)) * GRID;
    const nth = whole(1, 3, ...words(`nth ${kind}`));
    faults.push({ kind, at, seconds, nth });
    if (kind === 'worker_away' && nth > 1) faults.push({ kind: 'unsafe_weather', at: at + GRID, seconds, nth });
    const asked = at + GRID + PEOPLE_SECOND - WORLD_SECOND;
    if (kind === 'api_no_gateway')
      steps.push({ at: asked, kind: 'gateway_abort', commandId: 'cut-off', signalled: true });
  }
  const during = (kind: string): number => within(kind, -120, slotSeconds + 300, PEOPLE_SECOND);
  for (const kind of ['operator_halt', 'operator_abort'] as const)
    if (p(kind) < 0.04) steps.push({ at: during(`${kind} at`), kind, commandId: kind });
  if (p('maintenance now') < 0.05)
    steps.push({
      at: during('maintenance now at'),
      kind: 'maintenance_now',
      commandId: 'maintenance',
      seconds: whole(20, 240, ...words('maintained')) * GRID,
      cancels: p('maintenance cancels') < 0.5,
    });
}
