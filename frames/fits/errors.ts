/** Why a file could not be read; stable names that go into the `reason` of a rejected frame. */
export type FitsErrorCode =
  | 'empty'
  | 'not_fits'
  | 'truncated'
  | 'bad_header'
  | 'no_image'
  | 'unsupported'
  | 'corrupt'
  | 'too_large'
  | 'unreadable';

/** A file that is not what it should be, with what was found instead. */
export class FitsError extends Error {
  override name = 'FitsError';
  readonly code: FitsErrorCode;
  constructor(code: FitsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
