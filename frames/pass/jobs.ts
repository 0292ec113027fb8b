import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FrameStats } from '../../domain/contracts/image.ts';
import { writeWhole } from '../files.ts';
import {
  bufferSource,
  firstImage,
  FitsError,
  imageHeader,
  openSource,
  scanHdus,
  type FitsErrorCode,
} from '../fits/index.ts';
import type { Orientation } from './colour.ts';
import { renderFull } from './full.ts';
import { runPass } from './pass.ts';
import { renderPreview } from './preview.ts';
import { quicklookFits } from './quicklook.ts';
import { writeFits16 } from '../fits/writer.ts';
import { findStars, type StarMetrics } from './stars.ts';

/** Work on the pixels of one stored frame; runs in a worker thread. */
export type FrameJob =
  | {
      kind: 'preview';
      path: string;
      preview: string;
      thumbnail: string;
      quicklook: string | null;
      orientation: Orientation | 'auto';
      bayer: string | null;
      kernel?: 'wasm' | 'js';
    }
  | { kind: 'full'; path: string; to: string; orientation: Orientation | 'auto'; bayer: string | null }
  | { kind: 'stars'; path: string }
  /** Makes a thread ready: libraries loaded, kernels compiled, one small frame drawn. */
  | { kind: 'warm' };

export interface PreviewResult {
  kind: 'preview';
  hdu: number;
  width: number;
  height: number;
  channels: number;
  bitpix: number;
  header: Record<string, unknown>;
  stats: FrameStats;
  histogram: number[];
  previewWidth: number;
  previewHeight: number;
}
export interface StarsResult {
  kind: 'stars';
  metrics: StarMetrics | null;
}
export interface FullResult {
  kind: 'full';
  width: number;
  height: number;
}
export interface WarmResult {
  kind: 'warm';
}
export type FrameJobResult = PreviewResult | FullResult | StarsResult | WarmResult;
export type FrameJobAnswer =
  | { id: number; ok: true; result: FrameJobResult }
  | { id: number; ok: false; code: FitsErrorCode | 'failed'; message: string };

/** @throws FitsError when the file cannot be read; other errors when the disk or the picture library fails */
export async function runJob(job: FrameJob): Promise<FrameJobResult> {
  if (job.kind === 'warm') return warm();
  const source = openSource(job.path);
  try {
    const scan = scanHdus(source);
    const image = firstImage(scan);
    if (job.kind === 'stars') return { kind: 'stars', metrics: findStars(source, image) };
    const pass = runPass(source, image, {
      bayer: job.bayer,
      ...('kernel' in job && job.kernel ? { kernel: job.kernel } : {}),
    });
    if (pass.reduced.channels.length === 0)
      throw new FitsError('unsupported', `rows of ${image.width} pixels are not shown`);
    if (job.kind === 'full') {
      const { jpeg, width, height } = await renderFull(source, image, pass, job.orientation);
      await writeWhole(job.to, jpeg);
      return { kind: 'full', width, height };
    }
    await mkdir(dirname(job.preview), { recursive: true });
    const picture = await renderPreview(image, pass, job.orientation);
    await writeWhole(job.thumbnail, picture.thumbnail);
    await writeWhole(job.preview, picture.preview);
    if (job.quicklook) await writeWhole(job.quicklook, quicklookFits(image, pass));
    return {
      kind: 'preview',
      hdu: image.index,
      width: image.width,
      height: image.height,
      channels: image.planes,
      bitpix: image.bitpix,
      header: imageHeader(scan, image),
      stats: pass.stats,
      histogram: pass.histogram,
      previewWidth: picture.width,
      previewHeight: picture.height,
    };
  } finally {
    source.close();
  }
}

const WARM_SIDE = 512;

/** A frame of noise through every step, a few times, so that the first real one finds compiled code. */
async function warm(): Promise<WarmResult> {
  const levels = Uint16Array.from({ length: WARM_SIDE * WARM_SIDE }, (_, i) => 1000 + ((i * 7919) % 97));
  const source = bufferSource(writeFits16(WARM_SIDE, WARM_SIDE, [levels], []));
  for (let round = 0; round < 4; round++) {
    const image = firstImage(scanHdus(source));
    const pass = runPass(source, image);
    await renderPreview(image, pass, 'auto');
    quicklookFits(image, pass);
    findStars(source, image);
  }
  return { kind: 'warm' };
}
