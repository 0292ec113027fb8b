import type { VoyagerLink } from '../../gateway/connection/link.ts';
import type { SoakPeer } from './peer.ts';

/** When both ends have read all that was written: then the clock may be moved. */
export class Rest {
  private connections = 0;
  private bytesIn = 0;
  private bytesOut = 0;
  constructor(
    private readonly link: VoyagerLink,
    private readonly peer: SoakPeer,
  ) {}

  /** A connection begins: its bytes are counted from here. */
  begin(): void {
    this.connections++;
    this.bytesIn = this.link.stats.bytesIn;
    this.bytesOut = this.link.stats.bytesOut;
  }
  /** Until all that was written has been read, and both ends know what became of the connection. */
  async reached(): Promise<void> {
    const { link } = this;
    const deadline = performance.now() + 60_000;
    for (;;) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (link.state === 'waiting' || this.isConnectionAtRest()) return;
      if (performance.now() > deadline)
        throw new Error(`soak: the two ends do not come to rest (${link.state}, ${link.reason ?? 'no reason'})`);
    }
  }
  private isConnectionAtRest(): boolean {
    const { link, peer } = this;
    const { connection } = peer;
    const live = link.state === 'handshaking' || link.state === 'ready';
    if (!live || peer.accepted !== this.connections || !connection) return false;
    if (connection.frozen) return true;
    return (
      connection.open &&
      link.stats.bytesIn - this.bytesIn === connection.bytesOut &&
      link.stats.bytesOut - this.bytesOut === connection.bytesIn
    );
  }
}
