import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Metrics } from '../metrics.ts';
import { CLOSE } from './protocol.ts';

/** Above this much unsent data a viewer is slow: it gets only the newest of what replaces itself. */
const SLOW_BYTES = 128 * 1024;
/** Above this a viewer is sent away and repairs its gap by REST when it comes back. */
const MAX_BYTES = 1024 * 1024;
const CHECK_SLOW_MS = 200;
/** What is said within one turn is joined up to this much. */
const MAX_JOINED_BYTES = 32 * 1024;
/** Viewers written to before what else has come in, a stop among it, has its turn. */
const VIEWERS_PER_TURN = 250;

/** A text message as a server frames it: FIN and opcode 1, the length in 7, 7 + 16 or 7 + 64 bits, no mask (RFC 6455 section 5.2). */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  let offset = 2;
  if (length > 65_535) offset = 10;
  else if (length > 125) offset = 4;
  const frame = Buffer.allocUnsafe(offset + length);
  frame[0] = 0x81;
  if (offset === 2) frame[1] = length;
  else if (offset === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, offset, 'utf8');
  return frame;
}

/** What was said within one turn, in order. Viewers who were told the same share one, so that its bytes are joined once. */
export class Burst {
  readonly bytes: number;
  private followed: Burst | null = null;
  private joined: Buffer | null = null;
  constructor(
    private readonly frame: Buffer,
    private readonly before: Burst | null = null,
  ) {
    this.bytes = frame.length + (before?.bytes ?? 0);
  }
  /** This and one message more. */
  with(frame: Buffer): Burst {
    if (this.followed?.frame !== frame) this.followed = new Burst(frame, this);
    return this.followed;
  }
  get buffer(): Buffer {
    if (this.before === null) return this.frame;
    if (this.joined === null) {
      const frames = [this.frame];
      for (let burst: Burst | null = this.before; burst; burst = burst.before) frames.push(burst.frame);
      this.joined = Buffer.concat(frames.reverse(), this.bytes);
    }
    return this.joined;
  }
}

/** The open connection of a viewer, as far as writing to it goes. */
export interface Outlet {
  readonly id: string;
  readonly ws: WebSocket;
  /** What `ws` writes to. */
  readonly socket: Duplex;
  /** What could not be sent yet and replaces itself, by channel and event. */
  newest: Map<string, Buffer> | null;
  /** What is written at the end of this turn. */
  burst: Burst | null;
}

/**
 * Writes to viewers: a message is framed once for all, and what coincides within a turn of the event loop is one write. `ws` queues nothing of its own
 * as long as nothing is compressed, so that its frames and ours keep their order on the socket.
 */
export class Outgoing {
  /** Viewers with something to write at the end of this turn. */
  private due: Outlet[] = [];
  private flushing = false;
  private readonly slow = new Set<Outlet>();
  private slowTimer: NodeJS.Timeout | null = null;

  constructor(private readonly metrics: Metrics) {}

  /** To all of these; `key` marks what replaces itself. `atOnce`: written now, together with what waits for the end of the turn. */
  toAll(
    viewers: Iterable<Outlet>,
    text: string,
    how: { key: string | null; atOnce: boolean; except: string | undefined },
  ): void {
    const frame = textFrame(text);
    const alone = new Burst(frame);
    let sent = 0;
    for (const viewer of viewers) {
      if (viewer.id === how.except || viewer.ws.readyState !== 1) continue;
      if (viewer.newest !== null || viewer.socket.writableLength > SLOW_BYTES) {
        this.sendSlowly(viewer, how.key, frame);
        continue;
      }
      sent++;
      if (viewer.burst === null) {
        viewer.burst = alone;
        if (!how.atOnce) this.due.push(viewer);
      } else viewer.burst = viewer.burst.with(frame);
      if (how.atOnce || viewer.burst.bytes > MAX_JOINED_BYTES) write(viewer);
    }
    if (sent > 0) this.metrics.liveMessages.inc({ kind: 'sent' }, sent);
    this.flushSoon();
  }
  /** To one alone, behind what waits for it. */
  toOne(viewer: Outlet, text: string): void {
    if (viewer.ws.readyState !== 1) return;
    write(viewer);
    viewer.socket.write(textFrame(text));
  }

  private flushSoon(): void {
    if (this.flushing || this.due.length === 0) return;
    this.flushing = true;
    setImmediate(() => this.flush());
  }
  private flush(): void {
    this.flushing = false;
    const now = this.due;
    this.due = now.length > VIEWERS_PER_TURN ? now.splice(VIEWERS_PER_TURN) : [];
    for (const viewer of now) write(viewer);
    this.flushSoon();
  }

  private sendSlowly(viewer: Outlet, key: string | null, frame: Buffer): void {
    if (key !== null) {
      viewer.newest ??= new Map();
      if (viewer.newest.delete(key)) this.metrics.liveMessages.inc({ kind: 'replaced' });
      viewer.newest.set(key, frame);
      this.slow.add(viewer);
      this.slowTimer ??= setInterval(() => this.flushSlow(), CHECK_SLOW_MS).unref();
      return;
    }
    if (viewer.socket.writableLength > MAX_BYTES)
      this.close(viewer, CLOSE.overload, 'too slow: reconnect and read what you missed');
    else {
      write(viewer);
      viewer.socket.write(frame);
    }
  }
  private flushSlow(): void {
    for (const viewer of this.slow) {
      if (viewer.socket.writableLength > SLOW_BYTES / 2) continue;
      write(viewer);
      if (viewer.ws.readyState === 1) for (const frame of viewer.newest?.values() ?? []) viewer.socket.write(frame);
      viewer.newest = null;
      this.slow.delete(viewer);
    }
    if (this.slow.size === 0) this.stop();
  }

  /** Says why, closes, and cuts the connection when the peer does not follow. */
  close(viewer: Outlet, code: number, message: string): void {
    if (viewer.ws.readyState > 1) return;
    this.metrics.closes.inc({ code: String(code) });
    write(viewer);
    viewer.ws.close(code, message);
    setTimeout(() => viewer.ws.terminate(), 2_000).unref();
  }
  forget(viewer: Outlet): void {
    viewer.burst = null;
    this.slow.delete(viewer);
  }
  stop(): void {
    if (this.slowTimer) clearInterval(this.slowTimer);
    this.slowTimer = null;
  }
}

/** What waits for this viewer. Nothing goes behind a close frame (RFC 6455 section 5.5.1). */
function write(viewer: Outlet): void {
  const { burst } = viewer;
  if (burst === null) return;
  viewer.burst = null;
  if (viewer.ws.readyState === 1) viewer.socket.write(burst.buffer);
}
