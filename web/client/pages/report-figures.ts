/** The mean HFD and of how many frames it is. */
export const hfdFigure = (
  images: { average_hfd: number | null; hfd_frames?: number },
  say: (key: 'report.hfd' | 'report.hfdOf', values?: Record<string, string | number>) => string,
  pixels: (value: number | null) => string,
): { key: string; label: string; value: string; note: string } => ({
  key: 'hfd',
  label: say('report.hfd'),
  value: pixels(images.average_hfd),
  note: images.hfd_frames ? say('report.hfdOf', { n: images.hfd_frames }) : '',
});
