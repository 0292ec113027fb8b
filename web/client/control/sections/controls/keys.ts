/** Keys of this section and the methods that they call. */
export const keys = [
  { key: ' ', does: 'pauseOrResume' },
  { key: 'r', does: 'refresh' },
  { key: 'a', does: 'askAbort' },
] as const;
