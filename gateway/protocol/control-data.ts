import { CCDSTAT, codeName, DITHSTAT, DOMESHUTTER, GUIDESTAT, MNTSFLIP, VOYSTAT } from './codes.ts';
import { durationSeconds, type FieldReader, type JsonObject, sexagesimal } from './fields.ts';

const hours = (text: string | null): number | null => (text === null ? null : sexagesimal(text));
const degrees = hours;
const seconds = (text: string | null): number | null => (text === null ? null : durationSeconds(text));

/** pierWest looks before the meridian. */
const PIER_SIDES = new Map<string | null, 'west' | 'east'>([
  ['pierWest', 'west'],
  ['pierEast', 'east'],
]);

/** Every name, with nothing told of it. A copy is filled in: objects of its parts put together cost several times as much (bench:gateway). */
const NOTHING = {
  /** Local and UTC time of Voyager's PC, `YYYY-MM-DD HH:MM:SS`. */
  TI: null as string | null,
  TIUTC: null as string | null,
  VOYSTAT: null as number | null,
  VOYSTATName: null as string | null,
  SETUPCONN: null as boolean | null,
  CCDCONN: null as boolean | null,
  /** °C, percent, °C. */
  CCDTEMP: null as number | null,
  CCDPOW: null as number | null,
  CCDSETP: null as number | null,
  CCDCOOL: null as boolean | null,
  CCDSTAT: null as number | null,
  CCDSTATName: null as string | null,
  MNTCONN: null as boolean | null,
  MNTPARK: null as boolean | null,
  /** Of date (JNow). */
  MNTRA: null as string | null,
  MNTRAHours: null as number | null,
  MNTDEC: null as string | null,
  MNTDECDegrees: null as number | null,
  MNTRAJ2000: null as string | null,
  MNTRAJ2000Hours: null as number | null,
  MNTDECJ2000: null as string | null,
  MNTDECJ2000Degrees: null as number | null,
  MNTAZ: null as string | null,
  MNTAZDegrees: null as number | null,
  MNTALT: null as string | null,
  MNTALTDegrees: null as number | null,
  MNTPIER: null as string | null,
  MNTPIERSide: null as 'west' | 'east' | null,
  MNTTFLIP: null as string | null,
  /** Time to the meridian flip; negative before it. */
  MNTTFLIPSeconds: null as number | null,
  MNTSFLIP: null as number | null,
  MNTSFLIPName: null as string | null,
  MNTTRACK: null as boolean | null,
  MNTSLEW: null as boolean | null,
  AFCONN: null as boolean | null,
  /** °C, steps. */
  AFTEMP: null as number | null,
  AFPOS: null as number | null,
  /** Total and elapsed shot time of the sequence in seconds. */
  SEQTOT: null as number | null,
  SEQPARZ: null as number | null,
  SEQNAME: null as string | null,
  SEQSTART: null as string | null,
  SEQREMAIN: null as string | null,
  SEQREMAINSeconds: null as number | null,
  SEQEND: null as string | null,
  /** File of the running sequence and DragScript; null when none runs, `(unreadable)` where that is all that can be told. */
  RUNSEQ: null as string | null,
  RUNDS: null as string | null,
  GUIDECONN: null as boolean | null,
  GUIDESTAT: null as number | null,
  GUIDESTATName: null as string | null,
  DITHSTAT: null as number | null,
  DITHSTATName: null as string | null,
  /** Last guiding error, pixels. */
  GUIDEX: null as number | null,
  GUIDEY: null as number | null,
  PLACONN: null as boolean | null,
  PSCONN: null as boolean | null,
  ROTCONN: null as boolean | null,
  /** Degrees: the rotator's own angle, and that on the sky. */
  ROTPA: null as number | null,
  ROTSKYPA: null as number | null,
  ROTISROT: null as boolean | null,
  DOMECONN: null as boolean | null,
  /** Degrees. */
  DOMEPA: null as number | null,
  DOMEISMOV: null as boolean | null,
  DOMESHUTTER: null as number | null,
  DOMESHUTTERName: null as string | null,
};
type ControlData = typeof NOTHING;

/** Every 2 s in dashboard mode: the state of everything. */
export function controlData(f: FieldReader, raw: JsonObject): ControlData {
  const told = { ...NOTHING };
  program(told, f, raw);
  camera(told, f, raw);
  mount(told, f, raw);
  focuserAndSequence(told, f, raw);
  guiding(told, f, raw);
  others(told, f, raw);
  return told;
}

function program(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.TI = f.text('TI', raw.TI);
  d.TIUTC = f.text('TIUTC', raw.TIUTC);
  d.VOYSTAT = f.num('VOYSTAT', raw.VOYSTAT);
  d.VOYSTATName = codeName(VOYSTAT, d.VOYSTAT);
  d.SETUPCONN = f.bool('SETUPCONN', raw.SETUPCONN);
}

function camera(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.CCDCONN = f.bool('CCDCONN', raw.CCDCONN);
  d.CCDTEMP = f.num('CCDTEMP', raw.CCDTEMP);
  d.CCDPOW = f.num('CCDPOW', raw.CCDPOW);
  d.CCDSETP = f.num('CCDSETP', raw.CCDSETP);
  d.CCDCOOL = f.bool('CCDCOOL', raw.CCDCOOL);
  d.CCDSTAT = f.num('CCDSTAT', raw.CCDSTAT);
  d.CCDSTATName = codeName(CCDSTAT, d.CCDSTAT);
}

function mount(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.MNTCONN = f.bool('MNTCONN', raw.MNTCONN);
  d.MNTPARK = f.bool('MNTPARK', raw.MNTPARK);
  d.MNTRA = f.name('MNTRA', raw.MNTRA);
  d.MNTRAHours = hours(d.MNTRA);
  d.MNTDEC = f.name('MNTDEC', raw.MNTDEC);
  d.MNTDECDegrees = degrees(d.MNTDEC);
  d.MNTRAJ2000 = f.name('MNTRAJ2000', raw.MNTRAJ2000);
  d.MNTRAJ2000Hours = hours(d.MNTRAJ2000);
  d.MNTDECJ2000 = f.name('MNTDECJ2000', raw.MNTDECJ2000);
  d.MNTDECJ2000Degrees = degrees(d.MNTDECJ2000);
  d.MNTAZ = f.name('MNTAZ', raw.MNTAZ);
  d.MNTAZDegrees = degrees(d.MNTAZ);
  d.MNTALT = f.name('MNTALT', raw.MNTALT);
  d.MNTALTDegrees = degrees(d.MNTALT);
  d.MNTPIER = f.name('MNTPIER', raw.MNTPIER);
  d.MNTPIERSide = PIER_SIDES.get(d.MNTPIER) ?? null;
  d.MNTTFLIP = f.name('MNTTFLIP', raw.MNTTFLIP);
  d.MNTTFLIPSeconds = seconds(d.MNTTFLIP);
  d.MNTSFLIP = f.num('MNTSFLIP', raw.MNTSFLIP);
  d.MNTSFLIPName = codeName(MNTSFLIP, d.MNTSFLIP);
  d.MNTTRACK = f.bool('MNTTRACK', raw.MNTTRACK);
  d.MNTSLEW = f.bool('MNTSLEW', raw.MNTSLEW);
}

function focuserAndSequence(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.AFCONN = f.bool('AFCONN', raw.AFCONN);
  d.AFTEMP = f.num('AFTEMP', raw.AFTEMP);
  d.AFPOS = f.num('AFPOS', raw.AFPOS);
  d.SEQTOT = f.num('SEQTOT', raw.SEQTOT);
  d.SEQPARZ = f.num('SEQPARZ', raw.SEQPARZ);
  d.SEQNAME = f.name('SEQNAME', raw.SEQNAME);
  d.SEQSTART = f.name('SEQSTART', raw.SEQSTART);
  d.SEQREMAIN = f.name('SEQREMAIN', raw.SEQREMAIN);
  d.SEQREMAINSeconds = seconds(d.SEQREMAIN);
  d.SEQEND = f.name('SEQEND', raw.SEQEND);
  d.RUNSEQ = f.running('RUNSEQ', raw.RUNSEQ);
  d.RUNDS = f.running('RUNDS', raw.RUNDS);
}

function guiding(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.GUIDECONN = f.bool('GUIDECONN', raw.GUIDECONN);
  d.GUIDESTAT = f.num('GUIDESTAT', raw.GUIDESTAT);
  d.GUIDESTATName = codeName(GUIDESTAT, d.GUIDESTAT);
  d.DITHSTAT = f.num('DITHSTAT', raw.DITHSTAT);
  d.DITHSTATName = codeName(DITHSTAT, d.DITHSTAT);
  d.GUIDEX = f.num('GUIDEX', raw.GUIDEX);
  d.GUIDEY = f.num('GUIDEY', raw.GUIDEY);
}

function others(d: ControlData, f: FieldReader, raw: JsonObject): void {
  d.PLACONN = f.bool('PLACONN', raw.PLACONN);
  d.PSCONN = f.bool('PSCONN', raw.PSCONN);
  d.ROTCONN = f.bool('ROTCONN', raw.ROTCONN);
  d.ROTPA = f.numBut('ROTPA', -1, raw.ROTPA);
  d.ROTSKYPA = f.numBut('ROTSKYPA', -1, raw.ROTSKYPA);
  d.ROTISROT = f.bool('ROTISROT', raw.ROTISROT);
  d.DOMECONN = f.bool('DOMECONN', raw.DOMECONN);
  d.DOMEPA = f.num('DOMEPA', raw.DOMEPA);
  d.DOMEISMOV = f.bool('DOMEISMOV', raw.DOMEISMOV);
  d.DOMESHUTTER = f.num('DOMESHUTTER', raw.DOMESHUTTER);
  d.DOMESHUTTERName = codeName(DOMESHUTTER, d.DOMESHUTTER);
}
