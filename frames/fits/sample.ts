import { createHash } from 'node:crypto';
import type { ImageHdu } from './hdu.ts';
import type { ByteSource } from './source.ts';

/** What a few pages of an image's data look like. */
export interface DataSample {
  /** Changes when the sampled pages do. */
  stamp: string;
  /** A sampled page holds nothing but zero bytes, or all pages are the same: what a file shows whose length stands before its data. */
  blank: boolean;
}

const PAGE_BYTES = 4096;
const PAGES = 24;

/** Looks at pages spread over the stored data, the first and the last among them. */
export function sampleData(source: ByteSource, image: Pick<ImageHdu, 'dataStart' | 'dataBytes'>): DataSample {
  const page = Buffer.alloc(PAGE_BYTES);
  const hash = createHash('sha256').update(`${image.dataBytes}\n`);
  const last = Math.max(0, image.dataBytes - PAGE_BYTES);
  const pages = Math.min(PAGES, Math.ceil(image.dataBytes / PAGE_BYTES));
  const seen = new Set<string>();
  let zero = false;
  for (let i = 0; i < pages; i++) {
    // Whole pixels of every size, so that equal pixels make equal pages.
    const at = pages === 1 ? 0 : Math.floor((last * i) / (pages - 1) / 8) * 8;
    const n = source.read(page, image.dataStart + at, Math.min(PAGE_BYTES, image.dataBytes - at));
    const part = page.subarray(0, n);
    hash.update(part);
    seen.add(createHash('sha256').update(part).digest('hex'));
    zero ||= part.every((byte) => byte === 0);
  }
  return { stamp: hash.digest('hex').slice(0, 32), blank: zero || (pages > 2 && seen.size === 1) };
}
