/** Numbers between 0 and 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A star field with a nebula, painted on a canvas: the same field each time, a little different in light. */
export async function paint(number: number, tint: [number, number, number]): Promise<Blob> {
  const [width, height] = [960, 720];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#06070d';
  context.fillRect(0, 0, width, height);
  const field = random(7_000);
  context.globalCompositeOperation = 'screen';
  const [r, g, b] = tint;
  for (let i = 0; i < 240; i++) {
    const along = field();
    const x = width * (0.18 + along * 0.62 + (field() - 0.5) * 0.22);
    const y = height * (0.32 + Math.sin(along * 4.2) * 0.2 + (field() - 0.5) * 0.34);
    const radius = 24 + field() * 130;
    const glow = context.createRadialGradient(x, y, 0, x, y, radius);
    glow.addColorStop(0, `rgba(${r},${g},${b},${0.022 + field() * 0.03})`);
    glow.addColorStop(1, 'rgba(0,0,0,0)');
    context.fillStyle = glow;
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }
  const noise = random(number);
  for (let i = 0; i < 1_500; i++) {
    const brightness = field() ** 7;
    const x = field() * width + (noise() - 0.5) * 0.6;
    const y = field() * height + (noise() - 0.5) * 0.6;
    const radius = 0.5 + brightness * 3.2;
    context.fillStyle = `rgba(${225 + field() * 30},${230 + field() * 20},255,${0.25 + 0.75 * brightness})`;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
    if (brightness > 0.5) {
      const halo = context.createRadialGradient(x, y, 0, x, y, radius * 7);
      halo.addColorStop(0, 'rgba(190,215,255,0.5)');
      halo.addColorStop(1, 'rgba(0,0,0,0)');
      context.fillStyle = halo;
      context.fillRect(x - 30, y - 30, 60, 60);
    }
  }
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.86 });
}
