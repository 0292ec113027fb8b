import { statfs } from 'node:fs/promises';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { LAG_SEEN_EVERY_MS } from '../platform/lag.ts';
import { BEGUN_PHASES, WAITING_PHASES } from '../domain/phases.ts';
import { listBackups } from '../platform/backup/manifest.ts';
import type { Config } from '../platform/config.ts';
import { ROLES, type Role } from './deployment.ts';
import type { Database } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

/** What the database knows is asked for at most this often, however many scrape. */
const FRESH_MS = 10_000;

/** Rows that the gauges are made of. */
interface Facts {
  phases: { phase: string; count: bigint }[];
  ended: { outcome: string; count: bigint }[];
  outbox: { channel: string; waiting: bigint; oldest_seconds: number | null; dead: bigint; not_sent: bigint }[];
  frames: { telescope_id: string; count: bigint; oldest_seconds: number }[];
  lastGood: { seconds: number | null }[];
}

async function read(db: Database): Promise<Facts> {
  const [phases, ended, outbox, frames, lastGood] = await Promise.all([
    db.$queryRaw<Facts['phases']>`
      SELECT phase, count(*) FROM sessions WHERE phase IN ('scheduled','preparing','prepared','starting','running','holding','finalising')
      GROUP BY phase`,
    db.$queryRaw<Facts['ended']>`
      SELECT s.phase AS outcome, count(*) FROM bookings b JOIN sessions s ON s.booking_id = b.id
      WHERE b.ends_at BETWEEN now() - interval '1 day' AND now() AND s.outcome IS NOT NULL GROUP BY s.phase`,
    db.$queryRaw<Facts['outbox']>`
      SELECT channel, count(*) FILTER (WHERE dead_at IS NULL) AS waiting,
             extract(epoch FROM now() - min(queued_at) FILTER (WHERE dead_at IS NULL AND coalesce(held_until, now()) <= now()))::float8 AS oldest_seconds,
             count(*) FILTER (WHERE dead_at > now() - interval '1 day' AND NOT unsent) AS dead,
             count(*) FILTER (WHERE dead_at > now() - interval '1 day' AND unsent) AS not_sent
      FROM outbox WHERE delivered_at IS NULL GROUP BY channel`,
    db.$queryRaw<Facts['frames']>`
      SELECT telescope_id, count(*), extract(epoch FROM now() - min(at))::float8 AS oldest_seconds
      FROM journal WHERE delivered_at IS NULL AND kind IN ('frame', 'shot_done') GROUP BY telescope_id`,
    db.$queryRaw<Facts['lastGood']>`
      SELECT extract(epoch FROM now() - max(session_ended_at))::float8 AS seconds FROM sessions WHERE phase = 'completed'`,
  ]);
  return { phases, ended, outbox, frames, lastGood };
}

/**
 * Metrics of a worker, its database and its store; every worker gives the same figures, so rules take the maximum. A silent database is 0 in
 * `nocturne_database_up`, and its figures are absent, never old.
 */
export class WorkerMetrics {
  readonly registry = new Registry();
  private readAtMs = -Infinity;
  private readonly up = this.gauge('database_up', '1 when the database answered the questions of these metrics');
  private readonly sessions = this.gauge('sessions', 'Sessions that are not over, by phase', 'phase');
  private readonly ended = this.gauge('sessions_ended_day', 'Sessions whose slot ended within a day', 'outcome');
  private readonly waiting = this.gauge('outbox_waiting', 'Messages that wait', 'channel');
  private readonly oldest = this.gauge('outbox_oldest_seconds', 'Age of the oldest message that may go', 'channel');
  private readonly dead = this.gauge('outbox_dead_day', 'Messages given up within a day', 'channel');
  private readonly notSent = this.gauge('outbox_not_sent_day', 'Messages of a day that had no way to go', 'channel');
  private readonly frames = this.gauge('frames_waiting', 'Journal lines of frames that nobody has taken', 'telescope');
  private readonly framesAge = this.gauge('frames_oldest_seconds', 'Age of the oldest of them', 'telescope');
  private readonly lastGood = this.gauge('last_good_night_seconds', 'Time since a session was completed');
  private readonly store = this.gauge('store_bytes', 'Size of the frame store’s disk and what is free of it', 'what');

  private readonly version = this.gauge('worker_version', 'What this version of the worker is for Temporal', 'role');
  private readonly backupAge = this.gauge('backup_age_seconds', 'Age of the newest backup', 'state');

  constructor(
    private readonly db: Database,
    private readonly config: Pick<Config, 'OBSERVATIONS_STORAGE_PATH' | 'BACKUP_PATH'>,
    private readonly role: () => Role,
    private readonly logger: Logger,
  ) {
    this.registry.setDefaultLabels({ process: 'worker' });
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LAG_SEEN_EVERY_MS });
  }
  private gauge<L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> {
    return new Gauge({ name: `nocturne_${name}`, help, labelNames, registers: [this.registry] });
  }

  async scrape(): Promise<{ type: string; text: string }> {
    if (performance.now() - this.readAtMs >= FRESH_MS) {
      this.readAtMs = performance.now();
      await Promise.all([this.lookUp(), this.lookAtStore(), this.lookAtBackups()]);
    }
    for (const role of ROLES) this.version.set({ role }, this.role() === role ? 1 : 0);
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }
  private async lookUp(): Promise<void> {
    const facts = await read(this.db).catch((thrown: unknown) => {
      this.logger.warn({ err: toError(thrown).message }, 'metrics: the database does not answer');
      return null;
    });
    const { sessions, ended, waiting, oldest, dead, notSent, frames, framesAge } = this;
    for (const one of [sessions, ended, waiting, oldest, dead, notSent, frames, framesAge]) one.reset();
    this.up.set(facts ? 1 : 0);
    this.lastGood.set(facts?.lastGood[0]?.seconds ?? NaN);
    if (!facts) return;
    for (const phase of [...WAITING_PHASES, ...BEGUN_PHASES])
      sessions.set({ phase }, Number(facts.phases.find((p) => p.phase === phase)?.count ?? 0));
    for (const { outcome, count } of facts.ended) ended.set({ outcome }, Number(count));
    for (const { channel, ...row } of facts.outbox) {
      waiting.set({ channel }, Number(row.waiting));
      oldest.set({ channel }, row.oldest_seconds ?? 0);
      dead.set({ channel }, Number(row.dead));
      notSent.set({ channel }, Number(row.not_sent));
    }
    for (const { telescope_id: telescope, count, oldest_seconds: seconds } of facts.frames) {
      frames.set({ telescope }, Number(count));
      framesAge.set({ telescope }, seconds);
    }
  }
  /** Absent where the folder cannot be read; infinite before the first backup, and before the first that was restored on trial. */
  private async lookAtBackups(): Promise<void> {
    this.backupAge.reset();
    const known = await listBackups(this.config.BACKUP_PATH).catch(() => null);
    if (!known) return;
    const age = (made?: string): number => (made ? (Date.now() - Date.parse(made)) / 1000 : Infinity);
    this.backupAge.set({ state: 'made' }, age(known.at(-1)?.manifest.made_at));
    this.backupAge.set(
      { state: 'verified' },
      age(known.findLast(({ manifest }) => manifest.verified_at)?.manifest.made_at),
    );
  }
  /** Absent while the store is away. */
  private async lookAtStore(): Promise<void> {
    this.store.reset();
    const disk = await statfs(this.config.OBSERVATIONS_STORAGE_PATH).catch(() => null);
    if (!disk) return;
    this.store.set({ what: 'size' }, disk.blocks * disk.bsize);
    this.store.set({ what: 'free' }, disk.bavail * disk.bsize);
  }
}
