import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { decodeLine, excerpt, type Message } from '../protocol/codec.ts';
import { isEvent, type VoyagerEvent } from '../protocol/events.ts';
import { ClockOffset } from './clock-offset.ts';
import type { Picture } from './framer.ts';
import type { LinkStats } from './link.ts';
import type { PendingRequests } from './pending.ts';

/** What the lines that come in tell their connection. */
interface Ears {
  /** The instance that the telescope's file names, from 1. */
  instance: () => number;
  /** A valid line, before it is looked into. */
  onMessage: () => void;
  onEvent: (event: VoyagerEvent) => void;
  onBadLine: (bad: { error: string; head: string }) => void;
  /** Voyager said who it is, which is also its call to log in. */
  onVersion: () => void;
}

/** Everything that comes from Voyager, line by line: decoded, counted and handed on. */
export class Incoming {
  voyagerVersion: string | null = null;
  sessionKey: string | null = null;
  /** When the last valid line came and when Voyager said that it shuts down, on the monotonic clock. */
  lastValid: number | null = null;
  shutDownAt: number | null = null;
  readonly offset = new ClockOffset();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly stats: LinkStats,
    private readonly pending: PendingRequests,
    private readonly ears: Ears,
  ) {}

  /** A new connection: nothing of the last one holds but the version of the program. */
  begin(): void {
    this.sessionKey = null;
    this.offset.clear();
  }

  take(bytes: Buffer, picture: Picture | null): void {
    this.stats.linesIn++;
    const decoded = decodeLine(bytes, picture, this.noteOtherText);
    if (!decoded.ok) {
      this.noteBadLine('badLines', decoded.error, bytes);
      return;
    }
    if (decoded.mended !== null) this.noteBadLine('mendedLines', decoded.mended, bytes);
    this.lastValid = this.clock.monotonicMs();
    this.ears.onMessage();
    this.onMessage(decoded.message);
  }

  private readonly noteOtherText = (): void => void this.stats.otherTextLines++;
  /** The first ten of each kind are logged, then every hundredth. */
  private noteBadLine(kind: 'badLines' | 'mendedLines', error: string, bytes: Buffer): void {
    const count = ++this.stats[kind];
    const head = excerpt(bytes);
    const what = kind === 'badLines' ? 'line of voyager passed over' : 'line of voyager read in part';
    if (count <= 10 || count % 100 === 0) this.logger.warn({ error, head, [kind]: count }, what);
    this.ears.onBadLine({ error, head });
  }

  private onMessage(message: Message): void {
    if (message.kind === 'event') this.onEvent(message.event);
    else if (message.kind === 'reply') {
      if (!this.pending.onReply(message.reply))
        this.logger.debug({ id: message.reply.id, error: message.reply.error }, 'reply without a request');
    } else this.logger.warn({ method: message.request.method }, 'voyager sent a request');
  }

  private onEvent(event: VoyagerEvent): void {
    if (event.timestamp !== null) this.offset.add(this.clock.now() / 1000 - event.timestamp);
    if (event.unknown) this.stats.unknownEvents++;
    else if (event.name === 'Polling') this.stats.heartbeatsIn++;
    else if (event.name === 'NewJPGReady') this.stats.pictures++;
    else if (event.name === 'ShutDown') this.shutDownAt = this.clock.monotonicMs();
    else if (event.name === 'Version') {
      this.sessionKey = event.data.SessionKey;
      this.voyagerVersion = event.data.VOYVersion;
      const expected = this.ears.instance();
      if (event.inst !== null && event.inst !== expected)
        this.logger.warn({ expected, inst: event.inst }, 'another instance of voyager answers on this port');
    }
    this.ears.onEvent(event);
    if (isEvent(event, 'RemoteActionResult')) this.pending.onResult(event.data);
    else if (isEvent(event, 'Version')) this.ears.onVersion();
  }
}
