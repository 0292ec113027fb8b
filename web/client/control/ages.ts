import { LIVE_WITHIN_SECONDS } from '../../../domain/evidence.ts';
import type { TelescopeState } from '../core/types.ts';
import type { Facts } from './facts.ts';
import { ago } from './wording.ts';

/** Seconds after which a panel's data counts as old: Voyager speaks every 2 s, weather comes more slowly. */
const STALE_SECONDS = {
  telescope: LIVE_WITHIN_SECONDS,
  camera: LIVE_WITHIN_SECONDS,
  focuser: LIVE_WITHIN_SECONDS,
  guiding: LIVE_WITHIN_SECONDS,
  sequence: LIVE_WITHIN_SECONDS,
  weather: 180,
} as const;
/** Voyager's words for the sky come with its own rhythm, and are old after this. */
const CATEGORY_STALE_SECONDS = 600;

type AgedSection = keyof typeof STALE_SECONDS;
export interface Age {
  text: string;
  stale: boolean;
}
export type Ages = Record<AgedSection, Age>;

/** How old what each panel shows is; after the session nothing is live any more, and nothing is wrong with that. */
export function agesOf(facts: Facts): Ages {
  const { telescope: t, over, say } = facts;
  if (over) {
    const age = { text: say('ui.age.over'), stale: false };
    return { telescope: age, camera: age, focuser: age, guiding: age, sequence: age, weather: age };
  }
  const of = (section: AgedSection, seconds: number | null | undefined): Age => ageOf(facts, section, seconds);
  return {
    telescope: of('telescope', t?.mount.age_seconds),
    camera: of('camera', t?.camera.age_seconds),
    focuser: of('focuser', t?.focuser.age_seconds),
    guiding: of('guiding', t?.guiding.age_seconds),
    sequence: of('sequence', t?.voyager.age_seconds),
    weather: weatherAge(facts, t?.weather),
  };
}

function ageOf({ since, locale, say }: Facts, section: AgedSection, seconds: number | null | undefined): Age {
  if (seconds === null || seconds === undefined) return { text: say('ui.age.none'), stale: true };
  const age = seconds + since;
  return { text: ago(age, locale), stale: age > STALE_SECONDS[section] };
}

/** As old as its youngest value; stale also where the gateway says so or Voyager's words are old. */
function weatherAge(facts: Facts, weather: TelescopeState['weather'] | undefined): Age {
  if (!weather) return { ...ageOf(facts, 'weather', null), stale: true };
  const { category_age_seconds: category } = weather;
  const ages = [
    category,
    weather.temperature_celsius?.age_seconds,
    weather.humidity_percent?.age_seconds,
    weather.safety_monitor?.age_seconds,
  ].filter((age): age is number => typeof age === 'number');
  const age = ageOf(facts, 'weather', ages.length > 0 ? Math.min(...ages) : null);
  const old = category !== null && category + facts.since > CATEGORY_STALE_SECONDS;
  return { text: age.text, stale: age.stale || weather.stale || old };
}
