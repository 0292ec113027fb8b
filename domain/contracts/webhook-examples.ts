/** Data of the webhooks of one booking, as examples for the documents. A test holds each against its schema. */
const START = '2026-11-23T22:00:00.000Z';
const END = '2026-11-24T00:00:00.000Z';
const AT = '2026-11-23T22:14:05.000Z';
const IMAGES = 'https://observe.example/api/bookings/b-1042/images/3f0c8b1e';
const SIGNED = '?exp=1766527200&sig=6Xn0V2hQmE1yW0kq8m2s7G3mJ1dY0h9b2kQeV5b1c4A';

const waiting = {
  phase: 'prepared',
  hold_cause: null,
  reason: null,
  outcome: null,
  status: 'confirmed',
  access_state: 'upcoming',
  generation: 0,
  set_guid: '7b1c9a52-6d1e-5f0a-9a55-2f4b8f0d3c11',
  target_guid: 'c2f7d0aa-2f44-5d3e-8d0b-6a1f5b7e9c02',
  next: { what: 'start', at: START },
  session_started_at: null,
  session_ended_at: null,
};
const running = {
  ...waiting,
  phase: 'running',
  status: 'running',
  access_state: 'active',
  next: { what: 'check', at: '2026-11-23T22:19:05.000Z' },
  session_started_at: '2026-11-23T22:00:04.000Z',
};
const over = {
  ...running,
  status: 'completed',
  access_state: 'finished',
  next: null,
  session_ended_at: END,
  at: '2026-11-24T00:03:20.000Z',
  frames: { captured: 38, archived: 38, rejected: 0, missing: 0, pending: 0 },
  settlement_id: '0b7f3a4e-55a2-5b1d-b0f1-4d5e6f708192',
  credits_refund: 2.4,
  slot: { start: START, end: END },
};

export const accepted = {
  start: START,
  end: END,
  user_ref: 'user-17',
  target: 'M 42',
  status: 'confirmed',
  access_state: 'upcoming',
};
export const prepared = { ...waiting, at: '2026-11-22T22:00:31.000Z' };
export const startingSoon = {
  ...waiting,
  at: '2026-11-23T21:00:00.000Z',
  message: 'The session starts within the hour.',
  message_fr: 'La session démarre dans l’heure.',
  start: START,
};
export const started = { ...running, at: '2026-11-23T22:00:04.000Z' };
export const paused = {
  ...running,
  phase: 'holding',
  hold_cause: 'weather',
  reason: 'weather_hold',
  at: AT,
  cause: 'weather',
};
export const resumed = { ...running, at: '2026-11-23T22:31:00.000Z' };
export const extended = {
  ...running,
  at: AT,
  message: 'The slot now ends at 2026-11-24T00:30:00Z.',
  message_fr: 'Le créneau se termine maintenant à 2026-11-24T00:30:00Z.',
  end: '2026-11-24T00:30:00.000Z',
};
export const rescheduled = {
  ...waiting,
  phase: 'scheduled',
  generation: 1,
  at: '2026-11-20T10:02:00.000Z',
  start: '2026-11-25T22:00:00.000Z',
  end: '2026-11-26T00:00:00.000Z',
};
export const completed = { ...over, phase: 'completed', outcome: 'completed' };
export const aborted = { ...over, phase: 'aborted', outcome: 'aborted', reason: 'user_abort' };
export const weatheredOut = {
  ...over,
  phase: 'weathered_out',
  outcome: 'weathered_out',
  reason: 'weather_no_time_left',
  session_started_at: null,
  frames: { captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 },
  credits_refund: 20,
};
export const failed = { ...weatheredOut, phase: 'failed', outcome: 'failed', reason: 'voyager_away' };
export const cancelled = {
  ...waiting,
  phase: 'cancelled',
  outcome: 'cancelled',
  reason: 'user_cancel',
  status: 'cancelled',
  access_state: 'cancelled',
  next: null,
  at: '2026-11-22T09:00:00.000Z',
};
export const image = {
  id: '3f0c8b1e',
  booking_id: 'b-1042',
  filename: 'M42_LIGHT_L_120s_BIN1_-10C_20261123_221405.fit',
  type: 'LIGHT',
  filter: 'L',
  exposure: 120,
  temperature: -10,
  binning: 1,
  gain: 100,
  offset: 50,
  hfd: 2.31,
  hfd_source: 'voyager',
  star_index: 7.2,
  stars: 1284,
  stats: null,
  captured_at: AT,
  state: 'archived',
  reason: null,
  measured: false,
  previewed: true,
  url: `${IMAGES}/fits${SIGNED}`,
  preview_url: `${IMAGES}/preview.jpg${SIGNED}`,
  thumbnail_url: `${IMAGES}/thumbnail.jpg${SIGNED}`,
  full_url: `${IMAGES}/full.jpg${SIGNED}`,
  quicklook_url: null,
  size_bytes: 33_557_760,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
};
const { id, filename, filter, exposure, captured_at, hfd, url, preview_url, thumbnail_url } = image;
export const digest = {
  images_captured: 15,
  images: [{ id, filename, filter, exposure, captured_at, hfd, url, preview_url, thumbnail_url }],
};
export const expiring = { expires_at: '2027-02-22T00:00:00.000Z', images: 38 };
export const answered = {
  complaint_id: '3d8f5a1e-5d0c-4c57-9a57-6b1a8a5f2c44',
  image_id: null,
  text: 'The stars are lines on all frames after midnight.',
  answer: 'You are right: guiding was lost. These frames are given back.',
  credits_refund: 4.5,
  answered_at: AT,
};
export const confirmed = {
  command_id: '5f1f3a3e-0c86-4f0e-9f52-0d2f7a6b8c9d',
  kind: 'pause',
  state: 'confirmed',
  booking_id: 'b-1042',
  telescope_id: 'demo',
  at: AT,
};
export const refused = {
  ...confirmed,
  kind: 'extend',
  state: 'refused',
  reason: 'next_slot_taken',
  message: 'The slot after this one is taken.',
};
export const settled = {
  settlement_id: '0b7f3a4e-55a2-5b1d-b0f1-4d5e6f708192',
  rule: 'by-the-second',
  lines: [
    { class: 'imaging', seconds: 4_560, credits: 0 },
    { class: 'weather_hold', seconds: 864, credits: 2.4 },
    { class: 'overhead', seconds: 1_776, credits: 0 },
  ],
  credits_charged: 20,
  credits_refund: 2.4,
  explanation: {
    en: 'Credits given back for time that could not be used: 2.4 (14 min, clouds or wind).',
    fr: 'Crédits rendus pour le temps inutilisable : 2.4 (14 min, nuages ou vent).',
  },
};
export const problem = {
  reason: 'voyager_away',
  message: 'Voyager does not answer.',
  severity: 'page',
  audience: 'operator',
  at: AT,
};
