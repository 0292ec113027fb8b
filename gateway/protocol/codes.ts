/** Names of the protocol's numbers (Application Server Protocol, event tables). The lists are open: a number without a name stays a number. */

export const SIGNALS: Readonly<Record<number, string>> = {
  1: 'AUTOFOCUS_ERROR',
  2: 'ACTION_QUEUE_EMPTY',
  3: 'ARRAY_AUTOFOCUS_ALL',
  4: 'PRECISE_POINTING',
  5: 'AUTOFOCUS',
  6: 'ARRAY_AUTOFLAT',
  7: 'ARRAY_AUTOFOCUS_SINGLE',
  8: 'ARRAY_CONNECT',
  9: 'ARRAY_DISCONNECT',
  10: 'ARRAY_FILTER_CHANGE',
  11: 'ARRAY_FILTER_GET',
  12: 'ARRAY_FOCUSER_MOVE',
  13: 'ARRAY_FOCUSER_OFFSET',
  14: 'ARRAY_ROTATOR',
  15: 'SETUP_CONNECT',
  16: 'SETUP_DISCONNECT',
  18: 'CAMERA_SHOT',
  19: 'COOLING',
  20: 'FOCUSER_MOVE',
  21: 'FOCUSER_OFFSET',
  22: 'ROTATOR',
  23: 'AUTOFLAT',
  24: 'FILTER_CHANGE',
  25: 'PLATE_SOLVE',
  26: 'ARRAY_SEQUENCE',
  27: 'CREATE_DIRECTORY',
  28: 'ARRAY_COOLING',
  29: 'ARRAY_CCD_TEMPERATURE',
  30: 'ARRAY_SHOT',
  31: 'TELESCOPE_GOTO',
  32: 'EXTERNAL_SCRIPT',
  33: 'ARRAY_LOCALFIELD_ALL',
  34: 'ARRAY_LOCALFIELD_SINGLE',
  500: 'ERROR',
  501: 'IDLE',
  502: 'ACTION_RUNNING',
  503: 'ACTION_STOPPED',
  504: 'UNDEFINED',
  505: 'WARNING',
  506: 'UNKNOWN',
};
export const ACTION_RESULTS: readonly string[] = [
  'NEED_INIT',
  'READY',
  'RUNNING',
  'PAUSE',
  'OK',
  'FINISHED_ERROR',
  'ABORTING',
  'ABORTED',
  'TIMEOUT',
  'TIME_END',
  'OK_PARTIAL',
];
export const VOYSTAT: readonly string[] = ['STOPPED', 'IDLE', 'RUN', 'ERRORE', 'UNDEFINED', 'WARNING'];
export const CCDSTAT: readonly string[] = [
  'INIT',
  'UNDEF',
  'NO_COOLER',
  'OFF',
  'COOLING',
  'COOLED',
  'TIMEOUT_COOLING',
  'WARMUP_RUNNING',
  'WARMUP_END',
  'ERROR',
];
export const GUIDESTAT: readonly string[] = ['STOPPED', 'WAITING_SETTLE', 'RUNNING', 'TIMEOUT_SETTLE'];
export const DITHSTAT: readonly string[] = ['STOPPED', 'RUNNING', 'WAITING_SETTLE', 'TIMEOUT_SETTLE'];
export const MNTSFLIP: readonly string[] = ['NOT_NEEDED', 'TO_DO', 'RUNNING', 'DONE', 'UNMANAGEABLE', 'ERROR'];
export const DOMESHUTTER: readonly string[] = ['OPEN', 'CLOSED', 'OPENING', 'CLOSING', 'ERROR', 'UNKNOWN'];
export const SHOT_STATUS: readonly string[] = ['IDLE', 'EXPOSE', 'DOWNLOAD', 'WAIT_JPG', 'ERRORE'];
export const FRAME_TYPES: readonly string[] = ['LIGHT', 'BIAS', 'DARK', 'FLAT'];
/** 10 is not in the vendor's document; servers send it all the same. */
export const LOG_TYPES: Readonly<Record<number, string>> = {
  1: 'DEBUG',
  2: 'INFO',
  3: 'WARNING',
  4: 'CRITICAL',
  5: 'TITLE',
  6: 'SUBTITLE',
  7: 'EVENT',
  8: 'REQUEST',
  9: 'EMERGENCY',
  10: 'ROBOTARGET',
};

export const codeName = (
  names: Readonly<Record<number, string>> | readonly string[],
  code: number | null,
): string | null => (code === null ? null : (names[code] ?? null));
