import { clock, number, UNKNOWN } from '../../../core/format.ts';
import type { TelescopeState } from '../../../core/types.ts';
import type { Facts } from '../../facts.ts';
import { degreesCelsius, known } from '../../wording.ts';

export const graphsView = (facts: Facts) => ({ ...focuserView(facts), ...guidingView(facts) });

function focuserView({ telescope, locale, zone, say }: Facts) {
  const focuser: Partial<TelescopeState['focuser']> = telescope?.focuser ?? {};
  return {
    focuserPosition: number(focuser.position, locale),
    focuserTemperature: degreesCelsius(focuser.temperature_celsius, locale),
    lastFocus: known(focuser.last_focus, ({ at, ok, hfd }) =>
      [clock(at, locale, zone, false), ok ? `HFD ${number(hfd, locale, 2)}` : say('focuser.last.failed')].join(' · '),
    ),
  };
}

const GUIDING_TONES = { STOPPED: 'calm', SETTLING: 'warn', RUNNING: 'good', TIMEOUT: 'danger', none: 'dim' } as const;

function guidingView({ telescope, locale, say }: Facts) {
  const guiding: Partial<TelescopeState['guiding']> = telescope?.guiding ?? {};
  const { rms } = guiding;
  const pixels = (value: number): string => `${number(value, locale, 2)} px`;
  return {
    guiding: guiding.status ? say(`guiding.${guiding.status}`) : UNKNOWN,
    guidingTone: GUIDING_TONES[guiding.status ?? 'none'] as string,
    rmsX: known(rms, ({ x_px }) => pixels(x_px)),
    rmsY: known(rms, ({ y_px }) => pixels(y_px)),
    rmsTotal: known(rms, ({ total_px }) => pixels(total_px)),
    dither: guiding.dither ? say(`guiding.${guiding.dither}`) : UNKNOWN,
  };
}
