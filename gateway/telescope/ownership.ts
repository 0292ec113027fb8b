import { toError } from '../../platform/errors.ts';
import { type Waits, within } from '../../platform/waiting.ts';
import type { VoyagerLink } from '../connection/link.ts';
import type { BorrowedSky } from './borrowed.ts';
import type { CommandLog } from './command-log.ts';
import { databaseError } from './database-copies.ts';
import type { Diary } from './diary.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';
import { done, refused } from './outcomes.ts';
import type { SessionSignals } from './session-signals.ts';
import type { Records, StateFile } from './state-file.ts';
import { sameGuid, type Targets } from './targets.ts';
import type { WeatherWatch } from './weather-watch.ts';

const READ_BACK_WAIT_MS = 30_000;
const ADOPT_MS = 5_000;

interface OwnershipParts {
  kept: StateFile;
  commands: CommandLog;
  borrowed: BorrowedSky;
  grants: Grants;
  targets: Targets;
  journal: Journal;
  signals: SessionSignals;
  diary: Diary;
  link: VoyagerLink;
  waits: Waits;
  weather: WeatherWatch;
  lease: () => Lease;
  /** This gateway owns the telescope and has read back what was under way. */
  onReady: (epoch: number) => void;
  onLost: (why: string) => void;
}

/** What becoming and ceasing to be the owner of a telescope means (docs/safety.md, 6). */
export class Ownership {
  /** It was ours once since the process began: only then is Voyager spoken to at all. */
  begun = false;
  /** Since the telescope is ours, everything that PostgreSQL knows of it was read. */
  adopted = false;
  /** The first epoch that this process may write under. */
  readonly floorEpoch: number;
  private readonly epochs: Records<number>;

  constructor(
    private readonly here: Here,
    private readonly parts: OwnershipParts,
  ) {
    this.epochs = parts.kept.part('epoch');
    this.floorEpoch = (this.epochs.get('last') ?? 0) + 1;
    this.epochs.set('last', this.floorEpoch);
    parts.journal.beginEpoch(this.floorEpoch);
  }

  owned(epoch: number): void {
    this.epochs.set('last', epoch);
    this.parts.journal.beginEpoch(epoch);
    if (!this.begun) {
      this.begun = true;
      // Whoever had the telescope is gone: what is known of it begins here.
      this.parts.diary.note('owner', `epoch ${epoch}`);
      this.parts.diary.noteWeather(this.parts.weather.weather);
      this.parts.link.start();
    }
    this.adopted = false;
    this.takeOver(epoch).catch((thrown: unknown) =>
      this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'taking over failed'),
    );
  }
  lost(why: string): void {
    this.adopted = false;
    this.parts.diary.note('lease_lost', why);
    this.parts.onLost(why);
  }
  /** What an earlier owner left: its grants, its borrowed targets, its commands without an outcome; then the queue may be polled. */
  private async takeOver(epoch: number): Promise<void> {
    const { commands, borrowed, grants, signals, lease, waits, onReady } = this.parts;
    try {
      await within(
        (async () => {
          await commands.adopt();
          await borrowed.adopt();
          for (const { bookingId, reason } of await grants.adopt())
            this.here.logger.warn(
              { telescope: this.here.id, bookingId, reason },
              'grant of the earlier owner not taken over',
            );
        })(),
        ADOPT_MS,
      );
      this.adopted = true;
    } catch (thrown) {
      this.here.logger.warn(
        { telescope: this.here.id, err: databaseError(thrown) },
        'the earlier owner’s records are out of reach; going on with this disk’s',
      );
    }
    if (commands.open().length > 0) {
      await this.waitReady(READ_BACK_WAIT_MS);
      await this.readBack();
    }
    for (const grant of grants.active()) signals.framesWaiting(grant.bookingId, { epoch, n: 0 });
    if (lease().owns() && !waits.ended) onReady(epoch);
  }
  /** Reads what became of each command that was sent and not answered; nothing is sent again. */
  async readBack(): Promise<void> {
    const { commands, targets } = this.parts;
    const open = commands.open();
    if (open.length === 0 || !this.here.ready()) return;
    const list = await targets.list();
    if (!list.ok) return;
    for (const command of open) {
      const target = list.items.find((t) => sameGuid(t.guid, command.targetGuid));
      if (command.kind === 'enable')
        commands.finish(
          command.key,
          target?.enabled ? done('read back') : refused('no_answer', 'read back: it had no effect'),
        );
      else if (command.kind === 'disable' || command.kind === 'stop')
        commands.finish(
          command.key,
          target?.enabled ? refused('no_answer', 'read back: it had no effect') : done('read back'),
        );
      else commands.finish(command.key, refused('no_answer', 'the gateway was replaced while this was under way'));
    }
  }
  private waitReady(ms: number): Promise<void> {
    const { waits, link } = this.parts;
    if (this.here.ready()) return Promise.resolve();
    return waits.wait(ms, (finish) => {
      const listen = ({ state }: { state: string }): void => {
        if (state === 'ready') finish();
      };
      link.on('status', listen);
      return () => link.off('status', listen);
    });
  }
}
