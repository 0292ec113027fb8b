import { formatDec, formatRa } from '../../../../../domain/coordinates.ts';
import { coordinate, duration, number, percent, UNKNOWN } from '../../../core/format.ts';
import type { TelescopeState } from '../../../core/types.ts';
import type { Locale } from '../../../i18n/index.ts';
import type { Facts } from '../../facts.ts';
import { binningIn, degreesCelsius, known, textOr, type Maybe } from '../../wording.ts';

export const telescopeView = (facts: Facts) => ({
  ...statusView(facts),
  ...mountView(facts, facts.telescope?.mount ?? {}),
  ...cameraView(facts, facts.telescope?.camera ?? {}),
});

const STATUS_TONES = {
  IDLE: 'calm',
  RUN: 'good',
  ERROR: 'danger',
  STOPPED: 'calm',
  WARNING: 'warn',
  UNDEFINED: 'dim',
} as const;

function statusView({ telescope, over, say }: Facts) {
  const status = telescope?.voyager.status ?? 'UNDEFINED';
  return { status, statusLabel: over ? UNKNOWN : say(`voyager.${status}`), statusTone: STATUS_TONES[status] as string };
}

function mountView({ since, locale, say }: Facts, mount: Partial<TelescopeState['mount']>) {
  const toFlip = mount.time_to_flip_seconds;
  return {
    ra: positionIn(mount.ra_j2000_hours, mount.ra_hours, formatRa, locale),
    dec: positionIn(mount.dec_j2000_degrees, mount.dec_degrees, formatDec, locale),
    altaz: known(
      mount.altitude_degrees,
      (altitude) => `${number(altitude, locale, 1)}° · ${number(mount.azimuth_degrees, locale, 1)}°`,
    ),
    tracking: mount.slewing ? say('telescope.slewing') : onOff(mount.tracking, say),
    trackingOn: mount.tracking === true,
    slewing: mount.slewing === true,
    parked: known(mount.parked, (parked) => say(parked ? 'telescope.parked.yes' : 'telescope.parked.no')),
    unparked: mount.parked === false,
    pier: mount.pier ? say(`telescope.pier.${mount.pier}`) : UNKNOWN,
    // Voyager counts from the meridian: negative is before it (MNTTFLIP).
    flip: known(toFlip, (seconds) => (seconds < 0 ? duration(Math.max(0, -seconds - since)) : UNKNOWN)),
  };
}

function cameraView({ binning, locale, say }: Facts, camera: Partial<TelescopeState['camera']>) {
  return {
    cameraTemperature: degreesCelsius(camera.temperature_celsius, locale),
    cameraSetpoint: known(
      camera.setpoint_celsius,
      (value) => say('camera.setpoint', { value: degreesCelsius(value, locale) }),
      '',
    ),
    cameraBinning: binningIn(camera.binning || binning),
    cameraPower: known(camera.power_percent, (power) => percent(power / 100, locale)),
    cameraPowerPercent: camera.power_percent ?? 0,
    cooling: camera.status ? textOr(`cooling.${camera.status}`, camera.status, locale) : onOff(camera.cooling, say),
    coolingOn: camera.cooling === true,
  };
}

const onOff = (value: Maybe<boolean>, say: Facts['say']): string =>
  known(value, (on) => say(on ? 'telescope.on' : 'telescope.off'));

/** A coordinate of epoch J2000, as the target's stands beside it; one of the date is named as such. */
const positionIn = (
  j2000: Maybe<number>,
  ofDate: Maybe<number>,
  format: (value: number) => string,
  locale: Locale,
): string =>
  known(
    j2000,
    (value) => coordinate(format(value), locale),
    known(ofDate, (value) => `${coordinate(format(value), locale)} (JNow)`),
  );
