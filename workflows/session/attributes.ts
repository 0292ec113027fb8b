import { defineSearchAttributeKey } from '@temporalio/common';

/** The session's search attributes, as platform/temporal.ts names them for clients. They are not encrypted: ids and phases only. */
export const ATTRIBUTES = {
  bookingId: defineSearchAttributeKey('BookingId', 'KEYWORD'),
  telescopeId: defineSearchAttributeKey('TelescopeId', 'KEYWORD'),
  phase: defineSearchAttributeKey('SessionPhase', 'KEYWORD'),
  start: defineSearchAttributeKey('SessionStart', 'DATETIME'),
} as const;
