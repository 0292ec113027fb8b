/** Changes of what the session asks of Temporal since 0.1.0 (docs/workflow-changes.md). */
export const PATCHES = {
  /** A plan that could not be read at the slot's start is read at its checks. */
  planReadAgain: 'plan-read-again',
  /** A look that comes back when the slot is over begins nothing more. */
  nothingAtTheEnd: 'nothing-at-the-end',
} as const;
