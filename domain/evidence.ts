import type { TelescopeState } from './contracts/state.ts';

/** A state is live while it is younger than this: the gateway reports every 2 s, Voyager speaks every 2 s, and its link dies at 15. */
export const LIVE_WITHIN_SECONDS = 15;

/** Seconds since Voyager last said anything, as known `sinceSeconds` after the state was given; null when it never did. */
export const silentSeconds = (state: TelescopeState, sinceSeconds: number): number | null =>
  state.connection.last_message_age_seconds === null
    ? null
    : Math.max(0, state.connection.last_message_age_seconds + sinceSeconds);

/**
 * What may be said of a telescope of which nothing new has come for `sinceSeconds`: within 15 s the state as it is, then without everything that
 * only fresh evidence allows. Numbers stay beside their age; what runs, is connected or is safe becomes unknown.
 */
export function withoutEvidence(state: TelescopeState, sinceSeconds: number): TelescopeState {
  // A living gateway would say that Voyager is silent; a good last word and nothing since means that the gateway is not heard.
  const unreported =
    sinceSeconds > LIVE_WITHIN_SECONDS ||
    (!state.stale &&
      state.connection.connected &&
      (silentSeconds(state, sinceSeconds) ?? Infinity) > LIVE_WITHIN_SECONDS);
  if (!unreported && !state.stale && state.connection.connected) return state;
  const silent = Math.round(Math.max(sinceSeconds, silentSeconds(state, sinceSeconds) ?? 0));
  const { connection, voyager, mount, camera, guiding, dome, weather } = state;
  return {
    ...state,
    stale: true,
    connection: {
      ...connection,
      connected: false,
      reason: unreported ? `no report from the gateway for ${silent} s` : connection.reason,
    },
    voyager: { ...voyager, status: 'UNDEFINED', setup_connected: null, run_sequence: null, run_dragscript: null },
    mount: { ...mount, connected: null, parked: null, tracking: null, slewing: null, time_to_flip_seconds: null },
    camera: { ...camera, connected: null, cooling: null, status: null },
    focuser: { ...state.focuser, connected: null },
    guiding: { ...guiding, connected: null, status: null, dither: null, rms: null },
    rotator: { ...state.rotator, connected: null, moving: null },
    dome: { ...dome, connected: null, moving: null, shutter: null },
    planetarium_connected: null,
    plate_solver_connected: null,
    sequence: null,
    exposure: null,
    // The gateway itself judges weather that it still reads; what it said before it fell silent says nothing about the sky of now.
    weather: unreported
      ? {
          ...weather,
          state: 'unsafe',
          reason: 'weather_unknown',
          causes: [],
          ok_since: null,
          safety_monitor: weather.safety_monitor && { ...weather.safety_monitor, safe: null },
          stale: true,
        }
      : weather,
  };
}
