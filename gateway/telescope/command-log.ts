import type { CommandOutcome } from '../../domain/ports.ts';
import type { Database } from '../../platform/database.ts';
import type { DatabaseCopies } from './database-copies.ts';
import type { Records, StateFile } from './state-file.ts';
import { sameGuid } from './targets.ts';

export type CommandKind = 'enable' | 'disable' | 'stop' | 'script' | 'borrow' | 'edit';
export interface LoggedCommand {
  key: string;
  kind: CommandKind;
  bookingId: string | null;
  targetGuid: string | null;
  /** `sent`: about to leave or left, no outcome known. */
  state: 'sent' | CommandOutcome['outcome'];
  result: CommandOutcome | null;
  at: string;
}
const OPEN = ['sent', 'unknown'] as const;
const isOpen = ({ state }: Pick<LoggedCommand, 'state'>): boolean => (OPEN as readonly string[]).includes(state);
const KEEP_MS = 7 * 86_400_000;
const KEEP_COUNT = 2_000;
const COPIED_AT_START = 50;

/**
 * Every physical command by its key: on disk before it is sent, in table `voyager_commands` as soon as PostgreSQL takes it. A repeat has no second
 * effect, and a successor reads back what was under way (docs/safety.md, 6).
 */
export class CommandLog {
  private readonly commands: Records<LoggedCommand>;

  constructor(
    private readonly state: StateFile,
    private readonly telescopeId: string,
    private readonly db: Database | null,
    private readonly mirror: DatabaseCopies,
    private readonly now: () => number,
  ) {
    this.commands = state.part('command');
    this.forget();
    // What PostgreSQL may have missed while it was away; a successor must not find a finished command open.
    for (const command of this.commands.all().slice(-COPIED_AT_START)) this.copy(command, true);
  }

  find(key: string): LoggedCommand | null {
    return this.commands.get(key);
  }
  /** The newest command for a target, whatever became of it. */
  lastOf(targetGuid: string): LoggedCommand | null {
    return this.commands
      .all()
      .filter((c) => sameGuid(c.targetGuid, targetGuid))
      .reduce<LoggedCommand | null>((last, c) => (last === null || c.at >= last.at ? c : last), null);
  }
  /** Commands whose outcome nobody knows. */
  open(): LoggedCommand[] {
    return this.commands.all().filter(isOpen);
  }
  /** On disk when it resolves; only then may the command be sent. @throws Error when the disk does not take it */
  async begin(key: string, kind: CommandKind, bookingId: string | null, targetGuid: string | null): Promise<void> {
    this.store({
      key,
      kind,
      bookingId,
      targetGuid,
      state: 'sent',
      result: null,
      at: new Date(this.now()).toISOString(),
    });
    await this.state.flush();
  }
  /** The same for what stops something: that waits for no disk, and its repeat does no harm. */
  beginStop(key: string, kind: 'disable' | 'stop', bookingId: string | null, targetGuid: string | null): void {
    this.store({
      key,
      kind,
      bookingId,
      targetGuid,
      state: 'sent',
      result: null,
      at: new Date(this.now()).toISOString(),
    });
  }
  finish(key: string, result: CommandOutcome): CommandOutcome {
    const known = this.find(key);
    if (known) this.store({ ...known, state: result.outcome, result });
    return result;
  }

  /**
   * What PostgreSQL knows and this disk does not, a restored folder above all: commands without an outcome, to be read back, and outcomes, so that
   * a repeat of theirs has no second effect. On this disk afterwards.
   */
  async adopt(): Promise<void> {
    if (!this.db) return;
    const rows = await this.db.voyagerCommand.findMany({
      where: {
        telescopeId: this.telescopeId,
        OR: [{ state: { in: [...OPEN] } }, { updatedAt: { gt: new Date(this.now() - KEEP_MS) } }],
      },
      orderBy: { createdAt: 'desc' },
      take: KEEP_COUNT,
    });
    for (const row of rows.reverse()) {
      const open = (OPEN as readonly string[]).includes(row.state);
      const known = this.commands.get(row.key);
      if (known && (open || !isOpen(known))) continue;
      const [kind, targetGuid] = row.method.split(' ');
      this.commands.set(row.key, {
        key: row.key,
        kind: kind as CommandKind,
        bookingId: row.bookingId,
        targetGuid: targetGuid || null,
        state: open ? 'sent' : (row.state as LoggedCommand['state']),
        result: open ? null : (row.result as CommandOutcome | null),
        at: row.createdAt.toISOString(),
      });
    }
  }
  private store(command: LoggedCommand): void {
    this.commands.set(command.key, command);
    this.forget();
    this.copy(command);
  }
  private forget(): void {
    const oldest = this.now() - KEEP_MS;
    for (const [at, command] of this.commands.all().entries())
      if (at < this.commands.size - KEEP_COUNT || (command.state !== 'sent' && Date.parse(command.at) <= oldest))
        this.commands.delete(command.key);
  }
  /** @param mayBeOld this disk may be from before: an outcome that stands in PostgreSQL stays. */
  private copy(command: LoggedCommand, mayBeOld = false): void {
    const { db } = this;
    if (!db) return;
    const data = {
      state: command.state,
      result: (command.result ?? undefined) as object | undefined,
      updatedAt: new Date(this.now()),
    };
    const { key, kind, bookingId } = command;
    const method = `${kind} ${command.targetGuid ?? ''}`.trim();
    const create = { key, telescopeId: this.telescopeId, bookingId, method, ...data };
    this.mirror.put(`command/${key}`, async () => {
      if (!mayBeOld) return db.voyagerCommand.upsert({ where: { key }, create, update: data });
      await db.voyagerCommand.createMany({ data: [create], skipDuplicates: true });
      return db.voyagerCommand.updateMany({ where: { key, state: { in: [...OPEN] } }, data });
    });
  }
}
