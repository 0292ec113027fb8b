import type { Clock, Timer } from '../../platform/clock.ts';

/** Voyager drops a client that is silent for 15 s and asks for a Polling after 5 s of own silence (Application Server Protocol, connection). */
export const HEARTBEAT_MS = 5_000;
export const DEAD_MS = 15_000;
/** Bytes keep coming but make no message: something else than Voyager, or a line without end. */
export const NO_MESSAGE_MS = 120_000;

/** Watches both directions of one connection. Timers are set once per period, not once per line. */
export class Keepalive {
  private lastSent = 0;
  private lastBytes = 0;
  private lastMessage = 0;
  private ping: Timer | null = null;
  private watch: Timer | null = null;
  private readonly clock: Clock;
  private readonly onPing: () => void;
  private readonly onDead: (reason: string) => void;
  constructor(clock: Clock, onPing: () => void, onDead: (reason: string) => void) {
    this.clock = clock;
    this.onPing = onPing;
    this.onDead = onDead;
  }
  start(): void {
    this.stop();
    this.lastSent = this.lastBytes = this.lastMessage = this.clock.monotonicMs();
    this.ping = this.clock.setTimeout(() => this.checkPing(), HEARTBEAT_MS);
    this.watch = this.clock.setTimeout(() => this.checkDead(), DEAD_MS);
  }
  stop(): void {
    this.ping?.cancel();
    this.watch?.cancel();
    this.ping = this.watch = null;
  }
  sent(): void {
    this.lastSent = this.clock.monotonicMs();
  }
  received(): void {
    this.lastBytes = this.clock.monotonicMs();
  }
  message(): void {
    this.lastMessage = this.clock.monotonicMs();
  }

  private checkPing(): void {
    const due = this.lastSent + HEARTBEAT_MS - this.clock.monotonicMs();
    if (due <= 0) {
      // A refused heartbeat (gate) must not spin: count it as sent.
      this.lastSent = this.clock.monotonicMs();
      this.onPing();
    }
    if (this.ping) this.ping = this.clock.setTimeout(() => this.checkPing(), due > 0 ? due : HEARTBEAT_MS);
  }
  private checkDead(): void {
    const now = this.clock.monotonicMs();
    const due = Math.min(this.lastBytes + DEAD_MS, this.lastMessage + NO_MESSAGE_MS) - now;
    if (due > 0) {
      this.watch = this.clock.setTimeout(() => this.checkDead(), due);
      return;
    }
    this.stop();
    this.onDead(
      now - this.lastBytes >= DEAD_MS
        ? `no data from Voyager for ${DEAD_MS / 1000} s`
        : `no message from Voyager for ${NO_MESSAGE_MS / 1000} s`,
    );
  }
}
