import type { Member } from './hub.ts';

interface Channel {
  /** socket key (`replica/socket`) → member */
  sockets: Map<string, Member>;
  /** user id → what was last said of that user, and on how many sockets */
  users: Map<string, { info: unknown; sockets: number }>;
  /** What a newcomer is told, until somebody comes or goes. */
  roster: string | null;
}

/** Who is on which presence channel, over all replicas: a member is there while any of its sockets is. */
export class Presence {
  private readonly channels = new Map<string, Channel>();

  /** Returns true when this user was not there before. */
  join(channel: string, socketKey: string, member: Member): boolean {
    const before = this.channels.get(channel)?.users.has(member.userId) ?? false;
    this.leave(channel, socketKey);
    let here = this.channels.get(channel);
    if (!here) {
      here = { sockets: new Map(), users: new Map(), roster: null };
      this.channels.set(channel, here);
    }
    here.sockets.set(socketKey, member);
    const known = here.users.get(member.userId);
    if (!known || JSON.stringify(known.info) !== JSON.stringify(member.info)) here.roster = null;
    here.users.set(member.userId, { info: member.info, sockets: (known?.sockets ?? 0) + 1 });
    return !before;
  }
  /** Returns the user who is gone now, or null when nobody left or another socket of that user remains. */
  leave(channel: string, socketKey: string): string | null {
    const here = this.channels.get(channel);
    const member = here?.sockets.get(socketKey);
    if (!here || !member) return null;
    here.sockets.delete(socketKey);
    if (here.sockets.size === 0) this.channels.delete(channel);
    const user = here.users.get(member.userId)!;
    user.sockets -= 1;
    if (user.sockets > 0) return null;
    here.users.delete(member.userId);
    here.roster = null;
    return member.userId;
  }
  members(channel: string): Map<string, unknown> {
    const users = this.channels.get(channel)?.users ?? [];
    return new Map([...users].map(([userId, { info }]) => [userId, info]));
  }
  /** The members as a newcomer is told of them, as JSON text; made once for all who come between two changes. */
  roster(channel: string): string {
    const here = this.channels.get(channel);
    if (here?.roster) return here.roster;
    const members = this.members(channel);
    const presence = { count: members.size, ids: [...members.keys()], hash: Object.fromEntries(members) };
    const text = JSON.stringify({ presence });
    if (here) here.roster = text;
    return text;
  }
  /** Sockets of one replica: what it tells a newcomer, and what goes when it dies. */
  *ofReplica(replica: string): Generator<{ channel: string; socketKey: string; member: Member }> {
    for (const [channel, { sockets }] of this.channels)
      for (const [socketKey, member] of sockets)
        if (socketKey.startsWith(`${replica}/`)) yield { channel, socketKey, member };
  }
}
