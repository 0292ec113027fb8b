import { duration, number, percent } from '../../../core/format.ts';
import type { Figure } from '../../../../../domain/definitions.ts';
import type { Facts } from '../../facts.ts';
import { ago, known } from '../../wording.ts';

/** Figures of the section, in its order. */
export const STATS_FIGURES = ['elapsed', 'exposure', 'hfd', 'guiding'] as const satisfies readonly Figure[];

export function statsView({ snapshot, stats, last, over: ended, locale, pageNowMs, elapsedSeconds, say }: Facts) {
  // A mean says of how many frames it is; those without enough stars have none.
  const over = stats?.hfd_frames;
  const mean = (hfd: number): string => {
    const value = `${number(hfd, locale, 2)} px`;
    return over ? say('stats.over', { value, n: over }) : value;
  };
  return {
    statsEmpty: say(ended ? 'images.over' : 'stats.none'),
    statsAge: last.statsAtMs ? ago(Math.max(0, (pageNowMs - last.statsAtMs) / 1000), locale) : '',
    statElapsed: duration(elapsedSeconds),
    statExposure: duration(stats?.total_exposure_seconds ?? snapshot?.progress.integration_seconds),
    statHfd: known(stats?.average_hfd ?? snapshot?.images.average_hfd, mean),
    statGuiding: percent(stats?.guiding.success_rate, locale),
  };
}
