import type { RequestOutcome } from '../../gateway/connection/link.ts';
import type { RoboTargetClient } from '../../gateway/robotarget/commands.ts';
import type { SoakPeer } from './peer.ts';

const MODES = ['RemoteSetDashboardMode', 'RemoteSetLogEvent', 'RemoteSetSoakMode'];
const TARGET = '6c5553ef-3c11-4b40-a3e1-7cd008e08c35';
const HEARTBEAT_MS = 5_000;

/** How long the link was silent while it was connected. */
export class Silence {
  longestMs = 0;
  missed = 0;
  private lastLineMs = 0;

  /** A line goes out. */
  line(nowMs: number, isReady: boolean): void {
    if (isReady) {
      const silence = nowMs - this.lastLineMs;
      this.longestMs = Math.max(this.longestMs, silence);
      if (silence > HEARTBEAT_MS) this.missed++;
    }
    this.lastLineMs = nowMs;
  }
  /** A connection stands: what was before it counts for nothing. */
  begin(nowMs: number): void {
    this.lastLineMs = nowMs;
  }
}

/** What the link says of its commands, modes and frames, against what the peer has seen of them. */
export class Counts {
  readonly commands = { asked: 0, done: 0, refused: 0, unknown: 0, repeated: 0, contradicted: 0 };
  readonly modes = { restored: 0, missing: 0 };
  byEvent = 0;
  byList = 0;
  private readonly seen = new Set<string>();
  constructor(
    private readonly peer: SoakPeer,
    private readonly robo: RoboTargetClient,
  ) {}

  outcome(outcome: RequestOutcome): void {
    this.commands[outcome.outcome]++;
    const arrived = this.peer.commands.get(outcome.uid) ?? 0;
    const sent =
      outcome.outcome === 'done' ||
      (outcome.outcome === 'refused' &&
        (outcome.how === 'reply' || outcome.how === 'result' || outcome.how === 'payload'));
    const unsent = outcome.outcome === 'refused' && (outcome.how === 'not_ready' || outcome.how === 'gate');
    if ((sent && arrived !== 1) || (unsent && arrived !== 0)) this.commands.contradicted++;
  }
  /** Asks for the list of frames, for those whose event was lost. */
  async reconcile(): Promise<void> {
    this.commands.asked++;
    const list = await this.robo.getShotDoneList(TARGET);
    if (!list.ok) {
      this.outcome(list.outcome);
      return;
    }
    this.commands.done++;
    for (const { filename } of list.items) {
      if (!this.seen.has(filename)) this.byList++;
      this.seen.add(filename);
    }
  }
  /** A frame was told of by its event. */
  told(file: string): void {
    if (!this.seen.has(file)) this.byEvent++;
    this.seen.add(file);
  }
  /** The link says that it is ready: then the peer must have every mode. */
  ready(): void {
    const { connection } = this.peer;
    if (connection?.authenticated && MODES.every((mode) => connection.modes.has(mode))) this.modes.restored++;
    else this.modes.missing++;
  }
  unaccounted(): number {
    return this.peer.frames.filter(({ file }) => !this.seen.has(file)).length;
  }
}
