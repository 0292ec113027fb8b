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
  /** Nothing has changed; the next look is due after the failure's own delay. */
  quiet: 'Quiet',
} as const;
