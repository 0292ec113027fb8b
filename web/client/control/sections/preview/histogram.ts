const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** 256 counts of brightness out of a picture, read from a small copy of it. */
export function histogramOf(picture: ImageBitmap): number[] {
  const width = Math.min(320, picture.width);
  const height = Math.max(1, Math.round((picture.height * width) / Math.max(1, picture.width)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const counts = Array.from<number>({ length: 256 }).fill(0);
  for (let i = 0; i < data.length; i += 4)
    counts[Math.round(0.2126 * data[i]! + 0.7152 * data[i + 1]! + 0.0722 * data[i + 2]!)]!++;
  return counts;
}

/** Draws counts on a logarithmic scale, since a sky is one tall peak and a long tail of stars; `marks` are lines, as shares of the width. */
export function drawHistogram(
  canvas: HTMLCanvasElement,
  counts: readonly number[],
  marks: readonly number[] = [],
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  const top = Math.log1p(Math.max(1, ...counts));
  context.clearRect(0, 0, width, height);
  const fill = context.createLinearGradient(0, 0, width, 0);
  fill.addColorStop(0, css('--accent-deep'));
  fill.addColorStop(0.6, css('--violet'));
  fill.addColorStop(1, css('--gold'));
  context.fillStyle = fill;
  counts.forEach((count, i) => {
    const h = (Math.log1p(count) / top) * (height - 2);
    context.fillRect((i * width) / counts.length, height - h, width / counts.length + 0.5, h);
  });
  context.fillStyle = css('--text');
  for (const mark of marks) context.fillRect(Math.min(width - 2, mark * width), 0, 2, height);
}
