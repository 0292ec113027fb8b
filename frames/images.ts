import type { FrameStats, FrameType, Image, ImageSummary } from '../domain/contracts/image.ts';
import type { Frame } from '../prisma/client/client.ts';

/** A row of `frames` as the contract's image. URLs are API paths; whoever hands them out signs them. */
export function toImageSummary(row: Frame): ImageSummary {
  const base = `/api/bookings/${row.bookingId}/images/${row.id}`;
  return {
    id: row.id,
    booking_id: row.bookingId ?? '',
    filename: row.filename,
    type: row.type as FrameType,
    filter: row.filter,
    exposure: row.exposure,
    temperature: row.temperature,
    binning: row.binning,
    gain: row.gain,
    offset: row.offset,
    hfd: row.hfd,
    hfd_source: row.hfdSource as ImageSummary['hfd_source'],
    star_index: row.starIndex,
    stars: row.stars,
    stats: row.stats as FrameStats | null,
    captured_at: row.capturedAt?.toISOString() ?? null,
    state: row.state as ImageSummary['state'],
    reason: row.reason,
    measured: row.measured,
    previewed: row.previewed,
    url: row.archivePath && !row.trashedAt ? `${base}/fits` : null,
    preview_url: row.previewPath ? `${base}/preview.jpg` : null,
    thumbnail_url: row.thumbnailPath ? `${base}/thumbnail.jpg` : null,
    full_url: row.archivePath && row.previewed && !row.trashedAt ? `${base}/full.jpg` : null,
    quicklook_url: row.quicklookPath ? `${base}/quicklook.fits` : null,
    size_bytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
    sha256: row.sha256,
  };
}

export function toImage(row: Frame): Image {
  return {
    ...toImageSummary(row),
    metadata: (row.metadata as Record<string, unknown> | null) ?? {},
    histogram: row.histogram.length === 256 ? row.histogram : null,
  };
}
