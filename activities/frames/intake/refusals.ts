import { rm } from 'node:fs/promises';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { Database } from '../../../platform/database.ts';
import { toError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/logger.ts';
import { tellProgress } from '../../../platform/plan-progress.ts';
import type { Frame } from '../../../prisma/client/client.ts';
import { reasonText } from '../../../frames/reasons.ts';
import type { FrameStore } from '../../../frames/store/store.ts';
import { logFrame } from '../announce.ts';
import { findOwner, ownedBy, type Owner } from '../attribution.ts';
import type { FrameCopies, Place } from './copies.ts';
import type { Mount } from './mount.ts';
import type { Quiet } from './quiet.ts';

/** Why a file is no frame; `file` where there is one to put aside. */
export interface Refusal {
  code: string;
  message: string;
  header?: Record<string, unknown>;
  file?: Place;
}
interface RefusalDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  mount: Mount;
  maxBytes: number;
  timing: { attributeMs: number };
}
/** Columns of a row that say whose a frame is. */
type Ownership = Omit<Owner, 'by'> | { bookingId: string | null };

/** Frames that are not taken: refused, missing, double. What is written down, and who is told. */
export class Refusals {
  constructor(
    private readonly deps: RefusalDeps,
    private readonly copies: FrameCopies,
    private readonly quiet: Quiet,
  ) {}

  /** A file that is no frame: it goes to quarantine, its row says why, the night goes on. */
  async refuse(telescope: Telescope, row: Frame, refusal: Refusal): Promise<'done' | 'wait'> {
    const owner = await this.ownerOf(telescope, row, refusal.header ?? {});
    if (!owner) return 'wait';
    const aside = refusal.file ? await this.putAside(row, refusal.file) : null;
    await this.copies.forget(row.id);
    this.quiet.forget(row.id);
    const { code, message } = refusal;
    const text = reasonText(code);
    await this.deps.db.$transaction(async (tx) => {
      const { count } = await tx.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: {
          state: 'rejected',
          reason: code,
          ...owner,
          sha256: aside?.sha256 ?? null,
          sizeBytes: aside ? BigInt(aside.bytes) : null,
          metadata: { error: message, quarantine: aside?.path ?? null },
        },
      });
      if (count === 0) return;
      await logFrame(
        tx,
        { ...row, bookingId: owner.bookingId },
        {
          level: 'WARNING',
          event: 'frame_rejected',
          message: `Frame ${row.filename} was not taken: ${text.en}.`,
          messageFr: `L'image ${row.filename} n'a pas été retenue : ${text.fr}.`,
          data: { reason: code, detail: message },
          at: row.seenAt,
        },
      );
      if (owner.bookingId) await tellProgress(tx, owner.bookingId);
    });
    return 'done';
  }
  /** Whose the file is, as far as anybody knows; null while it may still become known. */
  private async ownerOf(telescope: Telescope, row: Frame, header: Record<string, unknown>): Promise<Ownership | null> {
    if (row.bookingId) return { bookingId: row.bookingId };
    const { sourcePath, seenAt, shotDoneGuid } = row;
    const { owner } = await findOwner(this.deps.db, telescope, { sourcePath, seenAt, shotDoneGuid, header });
    if (owner) return ownedBy(owner);
    return Date.now() - seenAt.getTime() < this.deps.timing.attributeMs ? null : { bookingId: null };
  }
  /** Copies a refused file into quarantine; null where that does not go. */
  private async putAside(row: Frame, file: Place): Promise<{ path: string; sha256: string; bytes: number } | null> {
    const { mount, store, maxBytes, logger } = this.deps;
    const staging = await store.staging(`refused\n${row.id}\n${process.pid}`);
    try {
      await rm(staging, { force: true });
      const { sha256, bytes } = await mount.copy(file.path, file.root, staging, maxBytes, false);
      const kept = await store.quarantine(staging, row.id, sha256, row.filename);
      return { path: store.relative(kept), sha256, bytes };
    } catch (thrown) {
      await rm(staging, { force: true });
      logger.warn({ frame: row.id, err: toError(thrown).message }, 'a refused file could not be put aside');
      return null;
    }
  }

  /** A frame whose file never came. */
  async miss(row: Frame, code: string): Promise<void> {
    const text = reasonText(code);
    await this.deps.db.$transaction(async (tx) => {
      const { count } = await tx.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: { state: 'missing', reason: code },
      });
      if (count === 0) return;
      await logFrame(tx, row, {
        level: 'ERROR',
        event: 'frame_missing',
        message: `Frame ${row.filename} is missing: ${text.en}.`,
        messageFr: `L'image ${row.filename} manque : ${text.fr}.`,
        data: { reason: code },
        at: row.seenAt,
      });
    });
  }

  /** Another row has this exposure already. */
  async double(row: Frame, twinId: string, copied: { sha256: string; bytes: number }): Promise<void> {
    await this.copies.forget(row.id);
    await this.deps.db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: {
        state: 'skipped',
        bookingId: null,
        reason: `same_as_${twinId}`,
        sha256: copied.sha256,
        sizeBytes: BigInt(copied.bytes),
      },
    });
  }
}
