/** How the peer ends a connection, or keeps it from becoming one. */
export const FAULTS = [
  'fin',
  'reset',
  'half_open',
  'shutdown_restart',
  'cut_line',
  'port_away',
  'drop_reply',
  'no_version',
] as const;
export type Fault = (typeof FAULTS)[number];
