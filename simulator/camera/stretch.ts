import sharp from 'sharp';

/** Where the sky comes to stand in the picture, of 1. */
const SKY_GREY = 0.2;
/** Midtones transfer function of the usual screen stretch: 0, `m` and 1 go to 0, a half and 1. Applied to a level with a wish it gives the `m` for it. */
const midtones = (m: number, x: number): number => ((m - 1) * x) / ((2 * m - 1) * x - m);
/** As Voyager shows a frame: black a little under the sky, the sky to dark grey, the brightest to white. */
export async function stretched(
  values: Float32Array,
  width: number,
  height: number,
): Promise<{ jpeg: Uint8Array<ArrayBuffer> }> {
  const sample = Float32Array.from(
    { length: Math.min(20_000, values.length) },
    (_, i) => values[Math.floor((i * values.length) / Math.min(20_000, values.length))]!,
  ).sort();
  const median = sample[sample.length >> 1] ?? 0;
  const spread = Math.max(1e-9, median - (sample[Math.floor(sample.length * 0.16)] ?? 0));
  const black = median - 2.8 * spread;
  const range = values.reduce((most, v) => Math.max(most, v), median + 1) - black;
  const balance = midtones(SKY_GREY, (median - black) / range);
  const grey = Buffer.alloc(values.length);
  for (let i = 0; i < values.length; i++) grey[i] = 255 * midtones(balance, Math.max(0, (values[i]! - black) / range));
  const out = await sharp(grey, { raw: { width, height, channels: 1 } })
    .jpeg({ quality: 82 })
    .toBuffer();
  return { jpeg: new Uint8Array(out) };
}
