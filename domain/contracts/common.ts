import { z } from 'zod';
import './issues.ts';

/** A text with a pattern, whose length is asked first: a pattern never sees more than `max` characters. */
export const patterned = (max: number, pattern: RegExp, message: string) =>
  z.string().max(max, { abort: true, error: message }).regex(pattern, message);

/** Booking id chosen by Laravel; also the stem of the workflow id. */
export const BookingId = patterned(64, /^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -').meta({
  example: 'b-1042',
});
export const TelescopeId = patterned(32, /^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z 0-9 -').meta({
  example: 'demo',
});
export const Guid = patterned(36, /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'must be a GUID');
/** An address that a mail program takes as one address: letters of any script, none of the characters that end or join addresses. */
export const Email = patterned(
  254,
  /^[^\s@"(),:;<>[\]\\]{1,64}@[^\s@"(),:;<>[\]\\.]{1,63}(?:\.[^\s@"(),:;<>[\]\\.]{1,63}){1,8}$/u,
  'must be an e-mail address',
);
/** ISO 8601 with an offset; a time without one is refused, since "22:00" means nothing to an observatory elsewhere. */
export const Instant = z.iso.datetime({
  offset: true,
  error: 'must be an ISO 8601 time with an offset, such as 2026-11-23T22:00:00Z',
});

export type Instant = string;
