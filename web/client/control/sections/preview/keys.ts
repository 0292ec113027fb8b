/** Keys of this section and the methods that they call. */
export const keys = [
  { key: 'p', does: 'togglePreview' },
  { key: 'f', does: 'fullscreen' },
] as const;
