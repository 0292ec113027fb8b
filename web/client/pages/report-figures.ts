import type { Report } from '../../../domain/contracts/report.ts';
import { number } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';

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

/** What was charged and what comes back, and the sentence that says why. */
export function creditsTexts(
  credits: Report['credits'],
  say: (key: 'report.charged' | 'report.refund' | 'report.net') => string,
): [string, string] {
  if (!credits) return ['', ''];
  const l = prefs.locale;
  const { credits_charged: charged, credits_refund: refund, explanation } = credits;
  const parts = [
    [say('report.charged'), charged],
    [say('report.refund'), refund],
    [say('report.net'), charged - refund],
  ] as const;
  return [parts.map(([label, n]) => `${label} ${number(n, l, 2)}`).join(' · '), explanation?.[l] ?? ''];
}
