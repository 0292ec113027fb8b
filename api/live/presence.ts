import type { Member } from './hub.ts';

/** Who is on which presence channel, over all replicas: a member is there while any of its sockets is. */
export class Presence {
  /** channel → socket key (`replica/socket`) → member */
  private readonly channels = new Map<string, Map<string, Member>>();

  /** Returns true when this user was not there before. */
  join(channel: string, socketKey: string, member: Member): boolean {
    let sockets = this.channels.get(channel);
    if (!sockets) {
      sockets = new Map();
      this.channels.set(channel, sockets);
    }
    const before = [...sockets.values()].some((m) => m.userId === member.userId);
    sockets.set(socketKey, member);
    return !before;
  }
  /** Returns the user who is gone now, or null when nobody left or another socket of that user remains. */
  leave(channel: string, socketKey: string): string | null {
    const sockets = this.channels.get(channel);
    const member = sockets?.get(socketKey);
    if (!sockets || !member) return null;
    sockets.delete(socketKey);
    if (sockets.size === 0) this.channels.delete(channel);
    return [...sockets.values()].some((m) => m.userId === member.userId) ? null : member.userId;
  }
  members(channel: string): Map<string, unknown> {
    const users = new Map<string, unknown>();
    for (const member of this.channels.get(channel)?.values() ?? []) users.set(member.userId, member.info);
    return users;
  }
  /** Sockets of one replica: what it tells a newcomer, and what goes when it dies. */
  *ofReplica(replica: string): Generator<{ channel: string; socketKey: string; member: Member }> {
    for (const [channel, sockets] of this.channels)
      for (const [socketKey, member] of sockets)
        if (socketKey.startsWith(`${replica}/`)) yield { channel, socketKey, member };
  }
}
