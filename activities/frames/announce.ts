import type { ImageSummary } from '../../domain/contracts/image.ts';
import { stableId } from '../../domain/ids.ts';
import { MESSAGES } from '../../domain/messages/table.ts';
import { appendEvent } from '../../platform/bus.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { enqueueOutbox, type OutboxChannel } from '../../platform/outbox.ts';
import { tellProgress } from '../../platform/plan-progress.ts';
import type { Frame, Outbox } from '../../prisma/client/client.ts';
import { toImageSummary } from '../../frames/images.ts';
import { tellOfFilter } from './filter-check.ts';

/** How many captured frames make one `images.digest`. */
export const DIGEST_SIZE = 15;
/** A guest's next letter of images comes after so many more frames and so much time, whichever is later; the first frame has one of its own. */
const LETTER_EVERY_MS = 3_600_000;
/** A guest's devices and chats are told of a new image at most this often. */
const NEW_IMAGE_EVERY_MS = 600_000;
const LETTER_KEY = 'images.digest/letter';

/**
 * Tells the world that a frame stands: event, webhook, count, now and then the guest, and a digest every fifteenth time. All of it and the flag are
 * one transaction, so that a repeat says nothing twice.
 */
export async function announceCaptured(db: Database, frameId: string, now = new Date()): Promise<void> {
  await db.$transaction(async (tx) => {
    const row = await tx.frame.findUniqueOrThrow({ where: { id: frameId } });
    const bookingId = row.bookingId;
    if (row.announced || !bookingId) return;
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'frames/' + bookingId}, 0))`;
    const { count: changed } = await tx.frame.updateMany({
      where: { id: frameId, announced: false },
      data: { announced: true, announcedAt: now },
    });
    if (changed === 0) return;
    await tellOfFilter(tx, row, now);
    const summary = toImageSummary(row);
    await appendEvent(tx, {
      key: `image.captured/${frameId}`,
      type: 'image.captured',
      bookingId,
      telescopeId: row.telescopeId,
      data: summary,
    });
    await tellProgress(tx, bookingId);
    await enqueueOutbox(tx, {
      key: `image.captured/${frameId}`,
      type: 'image.captured',
      bookingId,
      telescopeId: row.telescopeId,
      data: summary,
      channels: ['webhook', ...(await newImageChannels(tx, bookingId, now))],
      at: now,
    });
    const captured = await tx.frame.count({ where: { bookingId, state: 'archived', announced: true } });
    await tx.session.updateMany({ where: { bookingId }, data: { imagesCaptured: captured } });
    if (captured % DIGEST_SIZE === 0) await digest(tx, bookingId, row.telescopeId, captured, DIGEST_SIZE);
    await letterOfImages(tx, { bookingId, telescopeId: row.telescopeId, captured, now });
  });
}

/** The last message of a type on a channel of this booking, as it was queued. */
const lastQueued = (tx: Transaction, bookingId: string, type: string, channel: string): Promise<Outbox | null> =>
  tx.outbox.findFirst({ where: { bookingId, type, channel }, orderBy: { sequence: 'desc' } });

/** Push and chat, unless they were told of a frame a short while ago. */
async function newImageChannels(tx: Transaction, bookingId: string, now: Date): Promise<OutboxChannel[]> {
  const guests = MESSAGES['image.captured']?.to ?? [];
  const last = guests[0] ? await lastQueued(tx, bookingId, 'image.captured', guests[0]) : null;
  return last && now.getTime() - last.createdAt.getTime() < NEW_IMAGE_EVERY_MS ? [] : [...guests];
}

async function letterOfImages(
  tx: Transaction,
  session: { bookingId: string; telescopeId: string; captured: number; now: Date },
): Promise<void> {
  const { bookingId, telescopeId, captured, now } = session;
  const last = await lastQueued(tx, bookingId, 'images.digest', 'email');
  const told = (last?.data as { images_captured?: number } | undefined)?.images_captured ?? 0;
  const size = captured - told;
  if (last && (size < DIGEST_SIZE || now.getTime() - last.createdAt.getTime() < LETTER_EVERY_MS)) return;
  await enqueueOutbox(tx, {
    key: `${LETTER_KEY}/${captured}`,
    type: 'images.digest',
    bookingId,
    telescopeId,
    data: { images_captured: captured, images: await lastImages(tx, bookingId, size) },
    channels: ['email'],
    at: now,
  });
}

/** At a session's end: the frames since the last full digest. */
export async function announceRest(db: Database, bookingId: string, telescopeId: string): Promise<void> {
  await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'frames/' + bookingId}, 0))`;
    const captured = await tx.frame.count({ where: { bookingId, state: 'archived', announced: true } });
    if (captured % DIGEST_SIZE !== 0) await digest(tx, bookingId, telescopeId, captured, captured % DIGEST_SIZE);
  });
}

async function digest(
  tx: Transaction,
  bookingId: string,
  telescopeId: string,
  captured: number,
  size: number,
): Promise<void> {
  await enqueueOutbox(tx, {
    key: `images.digest/${captured}`,
    type: 'images.digest',
    bookingId,
    telescopeId,
    data: { images_captured: captured, images: await lastImages(tx, bookingId, size) },
  });
}

/** The newest frames, the oldest of them first. */
async function lastImages(tx: Transaction, bookingId: string, size: number): Promise<Partial<ImageSummary>[]> {
  const rows = await tx.frame.findMany({
    where: { bookingId, state: 'archived', announced: true },
    orderBy: [{ announcedAt: 'desc' }, { id: 'asc' }],
    take: size,
  });
  return rows.toReversed().map((row) => {
    const { id, filename, filter, exposure, captured_at, hfd, url, preview_url, thumbnail_url } = toImageSummary(row);
    return { id, filename, filter, exposure, captured_at, hfd, url, preview_url, thumbnail_url };
  });
}

export async function announceMeasured(db: Database, row: Frame): Promise<void> {
  if (!row.bookingId) return;
  await db.$transaction((tx) =>
    appendEvent(tx, {
      key: `image.measured/${row.id}`,
      type: 'image.measured',
      bookingId: row.bookingId!,
      telescopeId: row.telescopeId,
      data: toImageSummary(row),
    }),
  );
}

/** A line in the night log that says, in both languages, what became of a frame. */
export async function logFrame(
  tx: Transaction,
  row: Pick<Frame, 'id' | 'bookingId' | 'telescopeId' | 'filename'>,
  line: {
    level: 'INFO' | 'WARNING' | 'ERROR';
    event: string;
    message: string;
    messageFr: string;
    data: Record<string, unknown>;
    at: Date;
  },
): Promise<void> {
  const { bookingId } = row;
  if (!bookingId) return;
  const id = stableId('timeline', bookingId, line.event, row.id);
  if (await tx.timeline.findUnique({ where: { id }, select: { id: true } })) return;
  const data = { frame_id: row.id, filename: row.filename, ...line.data };
  await tx.timeline.create({
    data: {
      id,
      bookingId,
      at: line.at,
      level: line.level,
      source: 'frames',
      event: line.event,
      message: line.message,
      messageFr: line.messageFr,
      data,
    },
  });
  await appendEvent(tx, {
    key: `log/${id}`,
    type: 'log.appended',
    bookingId,
    telescopeId: row.telescopeId,
    data: {
      at: line.at.toISOString(),
      level: line.level,
      source: 'frames',
      event: line.event,
      message: line.message,
      message_fr: line.messageFr,
      data,
    },
  });
}
