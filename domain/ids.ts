import { v5 as uuidv5 } from 'uuid';

/**
 * Names that several processes must agree on, each with its inverse where one is needed.
 * Deterministic GUIDs are UUIDv5 (RFC 9562 §5.5), so that a repeated create is recognised by reading back.
 */
const NAMESPACE = '6f1d2c1e-3f52-5b0e-9a39-0c6a5b7d9a10';

/** GUID of a RoboTarget object: `path` is `set`, `target` or `shot/<0-based index>`; generation grows with reschedule and amend. */
export const objectGuid = (bookingId: string, generation: number, path: string): string =>
  uuidv5(`${bookingId}/${generation}/${path}`, NAMESPACE);
/** Identity of anything that must be written once: event, receipt, outbox row, settlement. */
export const stableId = (...parts: (string | number)[]): string => uuidv5(parts.join('/'), NAMESPACE);
