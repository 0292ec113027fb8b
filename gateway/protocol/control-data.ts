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

const parts = (f: FieldReader, raw: JsonObject) =>
  [
    program(f, raw),
    camera(f, raw),
    mount(f, raw),
    focuserAndSequence(f, raw),
    guiding(f, raw),
    others(f, raw),
  ] as const;
type Parts = ReturnType<typeof parts>;
type ControlData = Parts[0] & Parts[1] & Parts[2] & Parts[3] & Parts[4] & Parts[5];

/** All names at once. An object of seventy names that is spread together of parts cost V8 twelve times as much for each line (bench:gateway). */
let blank: object | null = null;

/** Every 2 s in dashboard mode: the state of everything. */
export function controlData(f: FieldReader, raw: JsonObject): ControlData {
  const told = parts(f, raw);
  blank ??= JSON.parse(JSON.stringify(Object.assign({}, ...told), (_, value: unknown) => value ?? null)) as object;
  return Object.assign({ ...blank }, ...told) as ControlData;
}

function program(f: FieldReader, raw: JsonObject) {
  const VOYSTAT_ = f.num('VOYSTAT', raw.VOYSTAT);
  return {
    /** Local and UTC time of Voyager's PC, `YYYY-MM-DD HH:MM:SS`. */
    TI: f.text('TI', raw.TI),
    TIUTC: f.text('TIUTC', raw.TIUTC),
    VOYSTAT: VOYSTAT_,
    VOYSTATName: codeName(VOYSTAT, VOYSTAT_),
    SETUPCONN: f.bool('SETUPCONN', raw.SETUPCONN),
  };
}

function camera(f: FieldReader, raw: JsonObject) {
  const CCDSTAT_ = f.num('CCDSTAT', raw.CCDSTAT);
  return {
    CCDCONN: f.bool('CCDCONN', raw.CCDCONN),
    /** °C, percent, °C. */
    CCDTEMP: f.num('CCDTEMP', raw.CCDTEMP),
    CCDPOW: f.num('CCDPOW', raw.CCDPOW),
    CCDSETP: f.num('CCDSETP', raw.CCDSETP),
    CCDCOOL: f.bool('CCDCOOL', raw.CCDCOOL),
    CCDSTAT: CCDSTAT_,
    CCDSTATName: codeName(CCDSTAT, CCDSTAT_),
  };
}

function mount(f: FieldReader, raw: JsonObject) {
  const MNTRA = f.name('MNTRA', raw.MNTRA);
  const MNTDEC = f.name('MNTDEC', raw.MNTDEC);
  const MNTRAJ2000 = f.name('MNTRAJ2000', raw.MNTRAJ2000);
  const MNTDECJ2000 = f.name('MNTDECJ2000', raw.MNTDECJ2000);
  const MNTAZ = f.name('MNTAZ', raw.MNTAZ);
  const MNTALT = f.name('MNTALT', raw.MNTALT);
  const MNTPIER = f.name('MNTPIER', raw.MNTPIER);
  const MNTTFLIP = f.name('MNTTFLIP', raw.MNTTFLIP);
  const MNTSFLIP_ = f.num('MNTSFLIP', raw.MNTSFLIP);
  return {
    MNTCONN: f.bool('MNTCONN', raw.MNTCONN),
    MNTPARK: f.bool('MNTPARK', raw.MNTPARK),
    /** Of date (JNow). */
    MNTRA,
    MNTRAHours: hours(MNTRA),
    MNTDEC,
    MNTDECDegrees: degrees(MNTDEC),
    MNTRAJ2000,
    MNTRAJ2000Hours: hours(MNTRAJ2000),
    MNTDECJ2000,
    MNTDECJ2000Degrees: degrees(MNTDECJ2000),
    MNTAZ,
    MNTAZDegrees: degrees(MNTAZ),
    MNTALT,
    MNTALTDegrees: degrees(MNTALT),
    MNTPIER,
    MNTPIERSide: PIER_SIDES.get(MNTPIER) ?? null,
    MNTTFLIP,
    /** Time to the meridian flip; negative before it. */
    MNTTFLIPSeconds: seconds(MNTTFLIP),
    MNTSFLIP: MNTSFLIP_,
    MNTSFLIPName: codeName(MNTSFLIP, MNTSFLIP_),
    MNTTRACK: f.bool('MNTTRACK', raw.MNTTRACK),
    MNTSLEW: f.bool('MNTSLEW', raw.MNTSLEW),
  };
}

function focuserAndSequence(f: FieldReader, raw: JsonObject) {
  const SEQREMAIN = f.name('SEQREMAIN', raw.SEQREMAIN);
  return {
    AFCONN: f.bool('AFCONN', raw.AFCONN),
    AFTEMP: f.num('AFTEMP', raw.AFTEMP),
    AFPOS: f.num('AFPOS', raw.AFPOS),
    /** Total and elapsed shot time of the sequence in seconds. */
    SEQTOT: f.num('SEQTOT', raw.SEQTOT),
    SEQPARZ: f.num('SEQPARZ', raw.SEQPARZ),
    SEQNAME: f.name('SEQNAME', raw.SEQNAME),
    SEQSTART: f.name('SEQSTART', raw.SEQSTART),
    SEQREMAIN,
    SEQREMAINSeconds: seconds(SEQREMAIN),
    SEQEND: f.name('SEQEND', raw.SEQEND),
    /** File of the running sequence and DragScript; null when none runs, `(unreadable)` where that is all that can be told. */
    RUNSEQ: f.running('RUNSEQ', raw.RUNSEQ),
    RUNDS: f.running('RUNDS', raw.RUNDS),
  };
}

function guiding(f: FieldReader, raw: JsonObject) {
  const GUIDESTAT_ = f.num('GUIDESTAT', raw.GUIDESTAT);
  const DITHSTAT_ = f.num('DITHSTAT', raw.DITHSTAT);
  return {
    GUIDECONN: f.bool('GUIDECONN', raw.GUIDECONN),
    GUIDESTAT: GUIDESTAT_,
    GUIDESTATName: codeName(GUIDESTAT, GUIDESTAT_),
    DITHSTAT: DITHSTAT_,
    DITHSTATName: codeName(DITHSTAT, DITHSTAT_),
    /** Last guiding error, pixels. */
    GUIDEX: f.num('GUIDEX', raw.GUIDEX),
    GUIDEY: f.num('GUIDEY', raw.GUIDEY),
  };
}

function others(f: FieldReader, raw: JsonObject) {
  const DOMESHUTTER_ = f.num('DOMESHUTTER', raw.DOMESHUTTER);
  return {
    PLACONN: f.bool('PLACONN', raw.PLACONN),
    PSCONN: f.bool('PSCONN', raw.PSCONN),
    ROTCONN: f.bool('ROTCONN', raw.ROTCONN),
    ROTPA: f.numBut('ROTPA', -1, raw.ROTPA),
    ROTSKYPA: f.numBut('ROTSKYPA', -1, raw.ROTSKYPA),
    ROTISROT: f.bool('ROTISROT', raw.ROTISROT),
    DOMECONN: f.bool('DOMECONN', raw.DOMECONN),
    DOMEPA: f.num('DOMEPA', raw.DOMEPA),
    DOMEISMOV: f.bool('DOMEISMOV', raw.DOMEISMOV),
    DOMESHUTTER: DOMESHUTTER_,
    DOMESHUTTERName: codeName(DOMESHUTTER, DOMESHUTTER_),
  };
}
