import type { TelescopeState } from '../../domain/contracts/state.ts';
import { type ControlData, decodeEvent } from '../protocol/events.ts';

type VoyagerStatus = TelescopeState['voyager']['status'];
const VOYAGER_STATUS: Record<string, VoyagerStatus> = {
  STOPPED: 'STOPPED',
  IDLE: 'IDLE',
  RUN: 'RUN',
  ERRORE: 'ERROR',
  UNDEFINED: 'UNDEFINED',
  WARNING: 'WARNING',
};
const GUIDE_STATUS: Record<string, TelescopeState['guiding']['status']> = {
  STOPPED: 'STOPPED',
  WAITING_SETTLE: 'SETTLING',
  RUNNING: 'RUNNING',
  TIMEOUT_SETTLE: 'TIMEOUT',
};
const DITHER_STATUS: Record<string, TelescopeState['guiding']['dither']> = {
  STOPPED: 'STOPPED',
  RUNNING: 'RUNNING',
  WAITING_SETTLE: 'SETTLING',
  TIMEOUT_SETTLE: 'TIMEOUT',
};
const SHUTTER: Record<string, TelescopeState['dome']['shutter']> = {
  OPEN: 'open',
  CLOSED: 'closed',
  OPENING: 'opening',
  CLOSING: 'closing',
  ERROR: 'error',
  UNKNOWN: 'unknown',
};

/** What is known before the first ControlData: nothing. */
const UNTOLD = decodeEvent({ Event: 'ControlData' }).data as ControlData;

type FromControl = 'rotator' | 'dome' | 'planetarium_connected' | 'plate_solver_connected' | 'sequence';
type Aged<Part extends 'voyager' | 'mount' | 'camera' | 'focuser' | 'guiding', Else extends string> = Omit<
  TelescopeState[Part],
  Else
>;
interface Face extends Pick<TelescopeState, FromControl> {
  voyager: Aged<'voyager', 'emergency' | 'profile' | 'last_error'>;
  mount: Aged<'mount', never>;
  camera: Aged<'camera', 'binning'>;
  focuser: Aged<'focuser', 'last_focus'>;
  guiding: Aged<'guiding', 'rms' | 'rms_windows'>;
}

/** Everything that ControlData alone says of a telescope; `age` is its age in seconds, null before the first. */
export function faceOf(control: ControlData | null, age: number | null): Face {
  const c = control ?? UNTOLD;
  return {
    voyager: {
      status: VOYAGER_STATUS[c.VOYSTATName ?? ''] ?? 'UNDEFINED',
      setup_connected: c.SETUPCONN,
      run_sequence: c.RUNSEQ,
      run_dragscript: c.RUNDS,
      age_seconds: age,
    },
    mount: mount(c, age),
    camera: {
      connected: c.CCDCONN,
      temperature_celsius: c.CCDTEMP,
      setpoint_celsius: c.CCDSETP,
      power_percent: c.CCDPOW,
      cooling: c.CCDCOOL,
      status: c.CCDSTATName,
      age_seconds: age,
    },
    focuser: { connected: c.AFCONN, position: c.AFPOS, temperature_celsius: c.AFTEMP, age_seconds: age },
    guiding: {
      connected: c.GUIDECONN,
      status: GUIDE_STATUS[c.GUIDESTATName ?? ''] ?? null,
      dither: DITHER_STATUS[c.DITHSTATName ?? ''] ?? null,
      x_px: c.GUIDEX,
      y_px: c.GUIDEY,
      age_seconds: age,
    },
    rotator: { connected: c.ROTCONN, position_degrees: c.ROTPA, sky_pa_degrees: c.ROTSKYPA, moving: c.ROTISROT },
    dome: {
      connected: c.DOMECONN,
      azimuth_degrees: c.DOMEPA,
      moving: c.DOMEISMOV,
      shutter: SHUTTER[c.DOMESHUTTERName ?? ''] ?? null,
    },
    planetarium_connected: c.PLACONN,
    plate_solver_connected: c.PSCONN,
    sequence: sequence(c),
  };
}

const mount = (c: ControlData, age: number | null): TelescopeState['mount'] => ({
  connected: c.MNTCONN,
  parked: c.MNTPARK,
  tracking: c.MNTTRACK,
  slewing: c.MNTSLEW,
  ra_hours: c.MNTRAHours,
  dec_degrees: c.MNTDECDegrees,
  ra_j2000_hours: c.MNTRAJ2000Hours,
  dec_j2000_degrees: c.MNTDECJ2000Degrees,
  altitude_degrees: c.MNTALTDegrees,
  azimuth_degrees: c.MNTAZDegrees,
  pier: c.MNTPIERSide,
  flip_status: c.MNTSFLIPName,
  time_to_flip_seconds: c.MNTTFLIPSeconds,
  age_seconds: age,
});

/** Null while nothing runs and nothing is named. */
function sequence(c: ControlData): TelescopeState['sequence'] {
  if (c.RUNSEQ === null && c.SEQNAME === null) return null;
  return {
    name: c.SEQNAME,
    total_seconds: c.SEQTOT,
    elapsed_seconds: c.SEQPARZ,
    remaining_seconds: c.SEQREMAINSeconds,
    start: c.SEQSTART,
    end: c.SEQEND,
  };
}
