/** Keys of this section and the methods that they call. */
export const keys = [{ key: 'l', does: 'toggleLogs' }] as const;
