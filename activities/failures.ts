/** `type` of the ApplicationFailures that workflows tell apart. */
export const FAILURE = {
  /** The input can never work; do not retry. */
  invalid: 'InvalidInput',
  /** No such booking, telescope or object. */
  notFound: 'NotFound',
  /** The link to Voyager is away: retry later. */
  notConnected: 'NotConnected',
  /** The gate said no; `details[0]` is the reason. */
  refused: 'Refused',
} as const;
