import type { JournalKinds } from '../../../domain/journal.ts';
import type { Frame, Prisma } from '../../../prisma/client/client.ts';
import { capturedAt, type FrameMetadata } from '../../../frames/metadata.ts';
import type { Owner, ShotDoneRecord } from '../attribution.ts';
import type { Prepared } from './copies.ts';

/** A shot of the booking's plan, as it was asked for. */
export interface PlannedShot {
  filter?: string;
  exposure_seconds?: number;
  binning?: number;
  gain?: number | null;
  offset?: number | null;
}
/** What is known of a frame when its copy stands. */
export interface Known {
  row: Frame;
  prepared: Prepared;
  owner: Owner | null;
  record: ShotDoneRecord | null;
  metadata: FrameMetadata;
  plan: PlannedShot | null;
  shotDoneGuid: string | null;
  header: Record<string, unknown>;
}
type Columns = Prisma.FrameUncheckedUpdateManyInput;
/** Numbers of Voyager's picture of a frame. */
type PictureNumbers = JournalKinds['jpg'] | null;

/** What an archived frame's row says of its file, its owner and how it was taken. */
export function archivedColumns(known: Known, jpg: PictureNumbers): Columns {
  const { row, owner, metadata, shotDoneGuid, header } = known;
  const { copied } = known.prepared;
  return {
    state: 'archived',
    reason: null,
    bookingId: owner?.bookingId ?? null,
    shotGuid: owner?.shotGuid ?? null,
    shotDoneGuid,
    shotIndex: owner?.shotIndex ?? null,
    ...settingsOf(known, jpg),
    ...sharpnessOf(known, jpg),
    metadata: header as Prisma.InputJsonObject,
    sizeBytes: BigInt(copied.bytes),
    sha256: copied.sha256,
    capturedAt: capturedAt(metadata, row.seenAt, row.sourceKey.startsWith('event/')),
  };
}
/** The header says how a frame was taken, else Voyager's picture, else the plan. */
function settingsOf({ metadata, plan }: Known, jpg: PictureNumbers): Columns {
  return {
    filter: first(metadata.filter, jpg?.filter, plan?.filter),
    exposure: first(metadata.exposure, jpg?.exposure_seconds, plan?.exposure_seconds),
    temperature: metadata.temperature,
    binning: first(metadata.binning, jpg?.binning, plan?.binning),
    gain: first(metadata.gain, plan?.gain),
    offset: first(metadata.offset, plan?.offset),
  };
}
const first = <T>(...values: (T | null | undefined)[]): T | null =>
  values.find((value) => value !== null && value !== undefined) ?? null;
/** Voyager's HFD, else the header's, until the frame is measured. */
function sharpnessOf({ metadata, record }: Known, jpg: PictureNumbers): Columns {
  const hfd = jpg?.hfd ?? record?.hfd ?? null;
  const starIndex = jpg?.star_index ?? record?.star_index ?? null;
  if (hfd !== null) return { hfd, hfdSource: 'voyager', voyagerHfd: hfd, starIndex };
  return { hfd: metadata.hfd, hfdSource: metadata.hfd === null ? null : 'header', voyagerHfd: null, starIndex };
}
