import { Problem } from './errors.ts';

/**
 * Refuses a change where `If-Match` names another version. A proxy that compresses makes the tag of its answer weak (`W/`, RFC 9110 8.8.1; nginx with
 * gzip does), and the client sends it back so: it still names the same version.
 * @throws Problem precondition_failed
 */
export function requireMatch(given: string | undefined, etag: string, what: string): void {
  const tags = given?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (!tags || tags.includes('*') || tags.includes(etag)) return;
  throw new Problem('precondition_failed', `The ${what} has changed since you read it.`, { etag });
}
