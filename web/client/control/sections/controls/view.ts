import { reasonIn } from '../../../i18n/index.ts';
import type { Facts } from '../../facts.ts';

/** What may be pressed, and why not: `null` in a snapshot's controls means that nothing stands in the way. */
export function controlsView({ snapshot, before, locale, say }: Facts) {
  const stands = snapshot?.controls ?? { pause: undefined, resume: undefined, abort: undefined };
  return {
    canPause: stands.pause === null,
    canResume: stands.resume === null,
    canAbort: stands.abort === null,
    whyPause: reasonIn(locale, stands.pause),
    whyResume: reasonIn(locale, stands.resume),
    whyAbort: reasonIn(locale, stands.abort),
    abortLabel: say(before ? 'header.cancel' : 'header.abort'),
    stopLabel: say(before ? 'controls.cancel' : 'controls.abort'),
  };
}
