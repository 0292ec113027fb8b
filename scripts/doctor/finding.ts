/** One thing that was looked at. `mend` says what to do; a warning alone does not fail the doctor. */
export interface Finding {
  what: string;
  state: 'ok' | 'warning' | 'problem' | 'skipped';
  detail: string;
  mend?: string;
}
export const ok = (what: string, detail: string): Finding => ({ what, state: 'ok', detail });
export const problem = (what: string, detail: string, mend: string): Finding => ({
  what,
  state: 'problem',
  detail,
  mend,
});
export const warning = (what: string, detail: string, mend: string): Finding => ({
  what,
  state: 'warning',
  detail,
  mend,
});
export const skipped = (what: string, detail: string): Finding => ({ what, state: 'skipped', detail });
