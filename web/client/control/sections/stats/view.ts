import { duration, number, percent } from '../../../core/format.ts';
import type { Facts } from '../../facts.ts';
import { ago, known } from '../../wording.ts';

export function statsView({ snapshot, stats, last, over, locale, pageNowMs, elapsedSeconds, say }: Facts) {
  return {
    statsEmpty: say(over ? 'images.over' : 'stats.none'),
    statsAge: last.statsAtMs ? ago(Math.max(0, (pageNowMs - last.statsAtMs) / 1000), locale) : '',
    statElapsed: duration(elapsedSeconds),
    statExposure: duration(stats?.total_exposure_seconds ?? snapshot?.progress.integration_seconds),
    statHfd: known(stats?.average_hfd ?? snapshot?.images.average_hfd, (hfd) => `${number(hfd, locale, 2)} px`),
    statGuiding: percent(stats?.guiding.success_rate, locale),
  };
}
