import { ACTION_RESULTS, codeName, FRAME_TYPES, LOG_TYPES, SHOT_STATUS, SIGNALS } from './codes.ts';
import { controlData } from './control-data.ts';
import { type Absent, asText, durationSeconds, FieldReader, isObject, type JsonObject, readNumber } from './fields.ts';

/**
 * Voyager's events, typed (Application Server Protocol, public event tables): `data` keeps the wire's names, with `CODEName`, `…Hours`, `…Degrees`
 * and `…Seconds` derived beside them. Every field may be null, since versions differ; `absent` says why a sent field is.
 */

/** First line of every connection. `SessionKey` is its Timestamp digit for digit, which some signing schemes need (added by the codec). */
const version = (f: FieldReader) => ({
  VOYVersion: f.text('VOYVersion'),
  VOYSubver: f.text('VOYSubver'),
  MsgVersion: f.num('MsgVersion'),
  SessionKey: null as string | null,
});

function signal(f: FieldReader) {
  const Code = f.num('Code');
  return { Code, CodeName: codeName(SIGNALS, Code) };
}

/** A FITS file was written. Older servers leave VoyType and SeqTarget out. */
function newFITReady(f: FieldReader) {
  const Type = f.num('Type');
  return {
    File: f.name('File'),
    Type,
    TypeName: codeName(FRAME_TYPES, Type),
    /** TEST single shot, SHOT sequence or DragScript block, SYNC solve frame. */
    VoyType: f.name('VoyType'),
    SeqTarget: f.name('SeqTarget'),
  };
}

/** Preview of a frame (dashboard mode). `Picture` is the JPEG, null when the line held none or text that is not base64. */
const newJPGReady = (f: FieldReader) => ({
  File: f.name('File'),
  SequenceTarget: f.name('SequenceTarget'),
  /** Unix seconds. */
  TimeInfo: f.num('TimeInfo'),
  TimeInfoUTC: f.num('TimeInfoUTC'),
  Expo: f.num('Expo'),
  Bin: f.num('Bin'),
  /** Name; `** BayerMatrix **` for a colour camera. */
  Filter: f.name('Filter'),
  HFD: f.num('HFD'),
  StarIndex: f.num('StarIndex'),
  PixelDimX: f.num('PixelDimX'),
  PixelDimY: f.num('PixelDimY'),
  Picture: null as Buffer | null,
});

function remoteActionResult(f: FieldReader) {
  const ActionResultInt = f.num('ActionResultInt');
  return {
    UID: f.name('UID'),
    ActionResultInt,
    ActionResultIntName: codeName(ACTION_RESULTS, ActionResultInt),
    Motivo: f.text('Motivo') ?? '',
    ParamRet: f.object('ParamRet'),
    /** ParamRet was sent and its structure is lost: it is `{}` here, which must not be taken for an empty list. */
    ParamRetLost: f.absent.ParamRet === 'unreadable',
  };
}

const arrayElementData = (f: FieldReader) => ({
  ROTCONN: f.bool('ROTCONN'),
  PAROT: f.numBut('PAROT', 1000),
  ROTROT: f.bool('ROTROT'),
  CCDCONN: f.bool('CCDCONN'),
  CCDTEMP: f.numBut('CCDTEMP', 1000),
  CCDPOW: f.numBut('CCDPOW', 1000),
  FOCCONN: f.bool('FOCCONN'),
  FOCPOS: f.numBut('FOCPOS', -1_000_000),
  FOCMOV: f.bool('FOCMOV'),
  FOCTEMP: f.numBut('FOCTEMP', -1_000_000),
  FOCHFD: f.numBut('FOCHFD', -1000),
});

/** Every 30 s in dashboard mode. Categories stay Voyager's words; `UNKNOW` (so written) is one of them. */
const weatherAndSafetyMonitorData = (f: FieldReader) => ({
  WSConnected: f.bool('WSConnected'),
  SMConnected: f.bool('SMConnected'),
  /** SAFE, UNSAFE, or null. */
  SMStatus: f.name('SMStatus'),
  WSCloud: f.name('WSCloud'),
  WSRain: f.name('WSRain'),
  WSWind: f.name('WSWind'),
  WSLight: f.name('WSLight'),
});

/** At the start of an exposure, each second, and at its end (dashboard mode). Seconds and percent. */
function shotRunning(f: FieldReader) {
  const Status = f.num('Status');
  return {
    File: f.name('File'),
    Expo: f.num('Expo'),
    Elapsed: f.num('Elapsed'),
    ElapsedPerc: f.num('ElapsedPerc'),
    Status,
    StatusName: codeName(SHOT_STATUS, Status),
  };
}

function logEvent(f: FieldReader) {
  const Type = f.num('Type');
  return { TimeInfo: f.num('TimeInfo'), Type, TypeName: codeName(LOG_TYPES, Type), Text: f.text('Text') ?? '' };
}

function autoFocusResult(f: FieldReader) {
  const star = new FieldReader(f.object('StarPosition'), null, 'StarPosition.');
  const StarPosition = { X: star.num('X'), Y: star.num('Y') };
  f.adopt(star);
  const Duration = f.name('Duration');
  return {
    IsEmpty: f.bool('IsEmpty'),
    Done: f.bool('Done'),
    Position: f.num('Position'),
    HFD: f.num('HFD'),
    StarPosition,
    /** Unix seconds. */
    DoneTime: f.num('DoneTime'),
    Duration,
    DurationSeconds: Duration === null ? null : durationSeconds(Duration),
    FocusTemp: f.num('FocusTemp'),
    PercDev: f.num('PercDev'),
    LastError: f.name('LastError'),
    /** From 0. */
    FilterIndex: f.numBut('FilterIndex', -1),
    FilterColor: f.name('FilterColor'),
  };
}

const profileChanged = (f: FieldReader) => ({ NewProfile: f.name('NewProfile') });
const nothing = () => ({});
const donutsError = (f: FieldReader) => ({ DonutsError: f.text('DonutsError') });

/** One line of the configuration of Voyager's I/O card; analogue inputs carry a physical scale too. */
const vikingItems = (items: unknown[]) =>
  items.filter(isObject).map((raw) => {
    const f = new FieldReader(raw);
    return {
      Index: f.num('Index'),
      Description: f.text('Description'),
      Hide: f.bool('Hide'),
      PHY: raw.PHY === undefined ? null : raw.PHY,
      PHYLabel: f.text('PHYLabel'),
      PHYFactorScale: f.num('PHYFactorScale'),
      PHYNullValue: f.num('PHYNullValue'),
    };
  });
const vikingIOConfiguration = (f: FieldReader) => ({
  Out: f.num('Out'),
  OutConf: vikingItems(f.list('OutConf')),
  DigIn: f.num('DigIn'),
  DigInConf: vikingItems(f.list('DigInConf')),
  AnaIn: f.num('AnaIn'),
  AnaInMaxValue: f.num('AnaInMaxValue'),
  AnaInConf: vikingItems(f.list('AnaInConf')),
  PWM: f.num('PWM'),
  PWMConf: vikingItems(f.list('PWMConf')),
  DAC: f.num('DAC'),
  DACMaxValue: f.num('DACMaxValue'),
  DACConf: vikingItems(f.list('DACConf')),
  Automa: f.num('Automa'),
  AutomaConf: vikingItems(f.list('AutomaConf')),
  ClientNum: f.num('ClientNum'),
});
const allStatus = (f: FieldReader) => ({
  Link: f.bool('Link'),
  Out: f.num('Out'),
  OutData: f.list('OutData'),
  DigIn: f.num('DigIn'),
  DigInData: f.list('DigInData'),
  AnaIn: f.num('AnaIn'),
  AnaInData: f.list('AnaInData'),
  PWM: f.num('PWM'),
  PWMData: f.list('PWMData'),
  DAC: f.num('DAC'),
  DACData: f.list('DACData'),
  Automa: f.num('Automa'),
  AutomaData: f.list('AutomaData'),
  ClientNum: f.num('ClientNum'),
});

const decoders = {
  Version: version,
  Polling: nothing,
  Signal: signal,
  NewFITReady: newFITReady,
  NewJPGReady: newJPGReady,
  ShutDown: nothing,
  RemoteActionResult: remoteActionResult,
  ArrayElementData: arrayElementData,
  ControlData: controlData,
  WeatherAndSafetyMonitorData: weatherAndSafetyMonitorData,
  ShotRunning: shotRunning,
  LogEvent: logEvent,
  AutoFocusResult: autoFocusResult,
  ProfileChanged: profileChanged,
  VikingManaged: (f: FieldReader) => ({ IsManaged: f.bool('IsManaged'), ClientNum: f.num('ClientNum') }),
  VikingIOConfiguration: vikingIOConfiguration,
  AllStatus: allStatus,
  VikingDisconnected: (f: FieldReader) => ({ ClientNum: f.num('ClientNum') }),
  DonutsAbort: nothing,
  DonutsCalibrationRequired: nothing,
  DonutsRecenterRequired: (f: FieldReader) => ({ FITPathAndName: f.name('FITPathAndName') }),
  DonutsCalibrationStart: nothing,
  DonutsCalibrationDone: nothing,
  DonutsCalibrationError: donutsError,
  DonutsRecenterStart: nothing,
  DonutsRecenterDone: nothing,
  DonutsRecenterError: donutsError,
} satisfies Record<string, (fields: FieldReader, raw: JsonObject) => object>;

export type EventName = keyof typeof decoders;
export type EventData<N extends EventName> = ReturnType<(typeof decoders)[N]>;
export const EVENT_NAMES = Object.keys(decoders) as EventName[];

interface Common {
  /** Unix seconds by Voyager's clock. */
  timestamp: number | null;
  host: string | null;
  /** Instance of Voyager on its PC, from 1. */
  inst: number | null;
  /** The line as parsed; a picture's base64 text is cut out of it. */
  raw: JsonObject;
  absent: Absent;
  /** Fields that this version of the protocol page does not know. */
  extra: JsonObject | null;
}
export interface TypedEvent<N extends EventName> extends Common {
  unknown: false;
  name: N;
  data: EventData<N>;
}
export interface UnknownEvent extends Common {
  unknown: true;
  name: string;
  data: JsonObject;
}
/** Narrow by `unknown` first, then by `name`; or use `isEvent`. */
export type VoyagerEvent = { [N in EventName]: TypedEvent<N> }[EventName] | UnknownEvent;
export type ControlData = EventData<'ControlData'>;

export function isEvent<N extends EventName>(
  event: VoyagerEvent,
  name: N,
): event is Extract<VoyagerEvent, { name: N; unknown: false }> {
  return !event.unknown && event.name === name;
}

const byName = new Map<string, (f: FieldReader, raw: JsonObject) => JsonObject>(Object.entries(decoders));

const COMMON = ['Event', 'Timestamp', 'Host', 'Inst'] as const;
const COMMON_JPG = [...COMMON, 'Base64Data'] as const;

/** How many of the fields that every event has are there (Base64Data belongs to the picture). */
const commonFields = (raw: JsonObject): number =>
  1 +
  (raw.Timestamp === undefined ? 0 : 1) +
  (raw.Host === undefined ? 0 : 1) +
  (raw.Inst === undefined ? 0 : 1) +
  (raw.Event === 'NewJPGReady' && raw.Base64Data !== undefined ? 1 : 0);

/**
 * @param noted fields that the parser already had to replace (bare NaN, Infinity)
 * @param extras what the line held besides its JSON values: a picture, and the Timestamp's own digits
 */
export function decodeEvent(
  raw: JsonObject,
  noted: Absent | null = null,
  extras: { picture?: Buffer | null; timestampText?: string | null } | null = null,
): VoyagerEvent {
  const name = asText(raw.Event);
  const timestamp = readNumber(raw.Timestamp);
  const host = typeof raw.Host === 'string' ? raw.Host : null;
  const inst = readNumber(raw.Inst);
  const decode = byName.get(name);
  if (!decode) {
    const data: JsonObject = Object.fromEntries(
      Object.entries(raw).filter(([key]) => !(COMMON as readonly string[]).includes(key)),
    );
    return { unknown: true, name, data, timestamp, host, inst, raw, absent: noted ?? {}, extra: null };
  }
  const fields = new FieldReader(raw, noted);
  const data = decode(fields, raw);
  if (name === 'NewJPGReady') data.Picture = extras?.picture ?? null;
  if (name === 'Version')
    data.SessionKey = extras?.timestampText ?? (raw.Timestamp === undefined ? null : asText(raw.Timestamp));
  const extra = fields.unread(commonFields(raw), name === 'NewJPGReady' ? COMMON_JPG : COMMON, data);
  const { absent } = fields;
  return { unknown: false, name, data, timestamp, host, inst, raw, absent, extra } as unknown as VoyagerEvent;
}
