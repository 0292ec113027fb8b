/**
 * Order of work in a task queue, by Temporal's priority keys: lower goes first, and what says nothing has 3 (the session's own work). What a workflow
 * asks for has the workflow's own order.
 */
export const PRIORITY = {
  /** Disable and stop: nothing goes before them. */
  stop: { priorityKey: 1 },
  finalising: { priorityKey: 4 },
  upkeep: { priorityKey: 5 },
} as const;
