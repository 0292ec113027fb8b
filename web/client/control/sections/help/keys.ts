/** Keys of this section and the methods that they call. */
export const keys = [
  { key: 'n', does: 'toggleNight' },
  { key: '?', does: 'openHelp' },
] as const;
