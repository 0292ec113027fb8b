import type { Header, ImageHdu } from '../fits/index.ts';

export type Orientation = 'top-down' | 'bottom-up';

/**
 * Which way up the stored rows are: a telescope's own setting, else the ROWORDER card, else bottom-up as the FITS standard shows images.
 */
export function orientationOf(header: Header, setting: Orientation | 'auto' = 'auto'): Orientation {
  if (setting !== 'auto') return setting;
  return (header.string('ROWORDER') ?? '').trim().toUpperCase() === 'TOP-DOWN' ? 'top-down' : 'bottom-up';
}

/** Colour of the four positions [row 0 column 0, row 0 column 1, row 1 column 0, row 1 column 1] as stored: 0 red, 1 green, 2 blue. */
export type Mosaic = readonly [number, number, number, number];

/**
 * The colour filter array out of the first of BAYERPAT, COLORTYP and the telescope's setting that names one, and its offsets; null for a mono sensor. It describes the stored rows, so a
 * preview that turns the rows over keeps its colours.
 */
export function mosaicOf(
  header: Header,
  image: Pick<ImageHdu, 'planes' | 'width' | 'height'>,
  setting: string | null = null,
): Mosaic | null {
  if (image.planes !== 1 || image.width < 2 || image.height < 2) return null;
  const pattern = [header.string('BAYERPAT'), header.string('COLORTYP'), setting]
    .map(patternOf)
    .find((name) => name !== null);
  if (!pattern) return null;
  const colours = pattern.split('').map((letter) => 'RGB'.indexOf(letter));
  const dx = Math.round(header.number('XBAYROFF') ?? 0) & 1;
  const dy = Math.round(header.number('YBAYROFF') ?? 0) & 1;
  const at = (row: number, column: number): number => colours[((row + dy) & 1) * 2 + ((column + dx) & 1)]!;
  return [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
}

/** Four letters by rows, in any writing: `rggb`, `RG/GB`, `Bayer RGGB`; or the first row's two, as some makers' libraries have them. */
function patternOf(name: string | null): string | null {
  const letters = (name ?? '')
    .toUpperCase()
    .replace(/^\W*BAYER/, '')
    .replace(/[^A-Z]/g, '');
  return ['RGGB', 'BGGR', 'GRBG', 'GBRG'].find((known) => known === letters || known.slice(0, 2) === letters) ?? null;
}
