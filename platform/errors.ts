/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : JSON.stringify(thrown));
}

/** Wrong configuration or input of a command; shown to a person without a stack. */
export class UsageError extends Error {
  override name = 'UsageError';
}
