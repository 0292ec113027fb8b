import type { Revocations } from '../revocations.ts';
import type { Cluster } from './cluster.ts';
import type { Hub, Viewer } from './hub.ts';
import { CLOSE } from './protocol.ts';

/** Whose token opened which channel, so that the end of a token ends the subscriptions it opened. */
export class Grants {
  constructor(
    private readonly hub: Hub,
    private readonly cluster: Cluster,
    private readonly revocations: Revocations,
  ) {}

  /** Remembers whose token opened a channel, wherever that socket lives, so that its end ends the subscription. */
  give(socketId: string, channel: string, tokenId: string, expiresAtMs: number | null): void {
    this.keep(socketId, channel, tokenId, expiresAtMs);
    if (!this.hub.viewers.has(socketId))
      this.cluster.send({ op: 'grant', socket: socketId, channel, token: tokenId, expires_at: expiresAtMs });
  }
  keep(socketId: string, channel: string, tokenId: string, expiresAtMs: number | null): void {
    const viewer = this.hub.viewers.get(socketId);
    if (viewer) (viewer.grants ??= new Map()).set(channel, { tokenId, expiresAtMs });
  }
  /** Whether a token by which this viewer listens has run out. */
  ended(viewer: Viewer, nowMs: number): boolean {
    if (!viewer.grants) return false;
    return [...viewer.grants.values()].some((g) => g.expiresAtMs !== null && g.expiresAtMs <= nowMs);
  }
  /** A token was revoked or has ended: whoever listens by it is sent away for good. */
  revoke(tokenId: string): void {
    for (const viewer of this.hub.viewers.values())
      if (viewer.grants && [...viewer.grants.values()].some((g) => g.tokenId === tokenId))
        this.hub.close(viewer, CLOSE.unauthorised, 'the token was revoked');
  }
  /** Revocations that the bus did not bring: read from the table, and their subscriptions ended. */
  async endRevoked(): Promise<void> {
    try {
      await this.revocations.load();
    } catch {
      return;
    }
    for (const viewer of this.hub.viewers.values())
      for (const { tokenId } of viewer.grants?.values() ?? [])
        if (this.revocations.known(tokenId)) this.revoke(tokenId);
  }
}
