/** One second in milliseconds. */
export const SECOND = 1000;
/** The workflow’s own clock as UTC text. */
export const nowIso = (): string => new Date(Date.now()).toISOString();
