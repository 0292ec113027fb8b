import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Report } from '../../domain/contracts/report.ts';
import type { Locale } from '../../domain/reasons.ts';
import type { Frame } from '../../prisma/client/client.ts';
import type { Letter, Picture } from './letters.ts';
import type { DeliveryDeps, Row } from './outcome.ts';

/** Pictures in one letter at most, and the bytes of one: a letter over some megabytes is refused by many. */
const MAX_PICTURES = 6;
const MAX_PICTURE_BYTES = 400_000;

/** Three figures of the night as the report has them; none before there is a report. */
export async function figuresOf(deps: DeliveryDeps, bookingId: string, locale: Locale): Promise<Letter['figures']> {
  const row = await deps.db.report.findUnique({ where: { bookingId } });
  if (!row) return [];
  const { images } = row.body as unknown as Report;
  const fr = locale === 'fr';
  const number = (value: number): string =>
    new Intl.NumberFormat(fr ? 'fr-FR' : 'en-GB', { maximumFractionDigits: 2 }).format(value);
  return [
    { label: fr ? 'images archivées' : 'images archived', value: `${images.archived} / ${images.planned}` },
    { label: fr ? 'temps de pose' : 'exposure time', value: timeText(images.total_exposure_seconds) },
    {
      label: fr ? 'HFD moyen' : 'mean HFD',
      value: images.average_hfd === null ? '–' : `${number(images.average_hfd)} px`,
    },
  ];
}

function timeText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}

/** The sharpest picture of a session: the smallest HFD, else the last one. */
export async function bestPicture(deps: DeliveryDeps, bookingId: string, locale: Locale): Promise<Picture[]> {
  const where = { bookingId, state: 'archived', previewed: true, thumbnailPath: { not: null } };
  const frame =
    (await deps.db.frame.findFirst({
      where: { ...where, hfd: { not: null } },
      orderBy: [{ hfd: 'asc' }, { id: 'asc' }],
    })) ?? (await deps.db.frame.findFirst({ where, orderBy: [{ capturedAt: 'desc' }, { id: 'asc' }] }));
  return frame ? pictures(deps, [frame], locale) : [];
}

/** The pictures that a digest names, in its order. */
export async function digestPictures(deps: DeliveryDeps, row: Row, locale: Locale): Promise<Picture[]> {
  const images = Array.isArray(row.data.images) ? (row.data.images as { id?: unknown }[]) : [];
  const ids = images.map((image) => image.id).filter((id): id is string => typeof id === 'string');
  const wanted = ids.slice(-MAX_PICTURES);
  const frames = await deps.db.frame.findMany({ where: { id: { in: wanted }, bookingId: row.booking_id } });
  const byId = new Map(frames.map((frame) => [frame.id, frame]));
  return pictures(
    deps,
    wanted.flatMap((id) => byId.get(id) ?? []),
    locale,
  );
}

/** A frame whose picture cannot be read, or is too large, is left out: the letter goes all the same. */
async function pictures(deps: DeliveryDeps, frames: Frame[], locale: Locale): Promise<Picture[]> {
  const root = resolve(deps.config.OBSERVATIONS_STORAGE_PATH);
  const found: Picture[] = [];
  for (const frame of frames) {
    const stored = frames.length === 1 ? [frame.previewPath, frame.thumbnailPath] : [frame.thumbnailPath];
    for (const path of stored) {
      const jpeg = path ? await readSmall(resolve(root, path)) : null;
      if (!jpeg) continue;
      found.push({ cid: `${frame.id}@nocturne`, caption: captionOf(frame, locale), jpeg });
      break;
    }
  }
  return found;
}

async function readSmall(path: string): Promise<Buffer | null> {
  try {
    return (await stat(path)).size <= MAX_PICTURE_BYTES ? await readFile(path) : null;
  } catch {
    return null;
  }
}

function captionOf(frame: Frame, locale: Locale): string {
  const number = (value: number): string =>
    new Intl.NumberFormat(locale === 'fr' ? 'fr-FR' : 'en-GB', { maximumFractionDigits: 2 }).format(value);
  return [
    frame.filter,
    frame.exposure === null ? null : `${number(frame.exposure)} s`,
    frame.hfd === null ? null : `HFD ${number(frame.hfd)} px`,
  ]
    .filter(Boolean)
    .join(' · ');
}
