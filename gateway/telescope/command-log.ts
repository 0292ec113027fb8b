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
    for (const command of this.commands.all().slice(-COPIED_AT_START)) this.copy(command);
  }

  find(key: string): LoggedCommand | null {
    return this.commands.get(key);
  }
  /** The newest command for a target, whatever became of it. */
  lastOf(targetGuid: string): LoggedCommand | null {
    return this.commands.all().findLast((c) => sameGuid(c.targetGuid, targetGuid)) ?? null;
  }
  /** Commands whose outcome nobody knows. */
  open(): LoggedCommand[] {
    return this.commands.all().filter((c) => c.state === 'sent' || c.state === 'unknown');
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

  /** What an earlier gateway of this telescope left in PostgreSQL without an outcome; on this disk afterwards. */
  async adopt(): Promise<void> {
    if (!this.db) return;
    const rows = await this.db.voyagerCommand.findMany({
      where: { telescopeId: this.telescopeId, state: { in: ['sent', 'unknown'] } },
    });
    for (const row of rows) {
      if (this.commands.get(row.key)) continue;
      const [kind, targetGuid] = row.method.split(' ');
      this.commands.set(row.key, {
        key: row.key,
        kind: kind as CommandKind,
        bookingId: row.bookingId,
        targetGuid: targetGuid || null,
        state: 'sent',
        result: null,
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
  private copy(command: LoggedCommand): void {
    const { db } = this;
    if (!db) return;
    const data = {
      state: command.state,
      result: (command.result ?? undefined) as object | undefined,
      updatedAt: new Date(this.now()),
    };
    this.mirror.put(`command/${command.key}`, () =>
      db.voyagerCommand.upsert({
        where: { key: command.key },
        create: {
          key: command.key,
          telescopeId: this.telescopeId,
          bookingId: command.bookingId,
          method: `${command.kind} ${command.targetGuid ?? ''}`.trim(),
          ...data,
        },
        update: data,
      }),
    );
  }
}
