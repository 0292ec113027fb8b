/** Whatever was thrown, as an Error that has a text: one of several (a host with two addresses) says each of them, `fetch failed` its cause. */
export function toError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(typeof thrown === 'string' ? thrown : JSON.stringify(thrown));
  const { cause } = thrown;
  if (thrown.message === '') thrown.message = partsOf(thrown) || (thrown as NodeJS.ErrnoException).code || thrown.name;
  else if (thrown.message === 'fetch failed' && cause instanceof Error)
    thrown.message = `fetch failed: ${toError(cause).message}`;
  return thrown;
}
const partsOf = (error: Error): string =>
  error instanceof AggregateError
    ? [...new Set(error.errors.map((one: unknown) => toError(one).message))].join(', ')
    : '';

/** Wrong configuration or input of a command; shown to a person without a stack. */
export class UsageError extends Error {
  override name = 'UsageError';
}
