// Made from the OpenAPI document of nocturne 0.1.0; do not edit.

export type AbortRequest = {
  reason?: string;
  /** Whose stop this is, said with a server key: `guest` where your site relays what its guest pressed. Without it a stop with a key is the operator’s: an outage, given back */
  requested_by?: "guest" | "operator";
};

export type AdminOverview = {
  now: string;
  telescopes: ({
    id: string;
    name: string;
    connected: boolean | null;
    stale: boolean | null;
    voyager_status: string | null;
    weather: string | null;
    booking_id: string | null;
    phase: string | null;
    next_booking: {
      id: string;
      start: string;
    } | null;
  })[];
  outbox: {
    waiting: number;
    dead: number;
    oldest_waiting_at: string | null;
  };
  viewers: number;
};

export type Analytics = {
  from: string;
  to: string;
  utilisation: ({
    telescope_id: string;
    /** hours */
    booked_hours: number;
    /** hours */
    imaging_hours: number;
    /** Seconds under an exposure / seconds booked, of bookings that were not cancelled. 0 to 1 */
    utilisation: number | null;
    hours_by_class: Record<string, number>;
  })[];
  /** Hours under an exposure, by the ledger that refunds use. */
  total_observation_hours: number;
  images_captured: number;
  /** Frames by state: archived, rejected, missing, pending. */
  images_by_state: Record<string, number>;
  revenue_by_month: {
    month: string;
    currency: string;
    /** The price less the share that was given back, of nights that are settled; each booking rounded to the unit of its currency. */
    amount_minor: number;
    credits_charged: number;
    credits_refund: number;
  }[];
  sessions: {
    /** Sessions that were held or lost; cancelled ones stand in by_outcome alone */
    total: number;
    by_outcome: Record<string, number>;
    /** Completed / (completed + aborted + failed): cancellations are apart, and so is what the weather took. */
    success_rate: number | null;
    /** Mean time from the start of a session to its end. */
    average_minutes: number | null;
  };
  /** Reasons of the ledger’s intervals that weather, a fault or somebody else took, counted. */
  problems: {
    reason: string;
    count: number;
  }[];
  lost_hours_by_month: {
    month: string;
    telescope_id: string;
    class: string;
    /** hours */
    hours: number;
  }[];
};

export type ApiKeyList = {
  data: ApiKeyListed[];
};

export type ApiKeyListed = {
  id: string;
  name: string;
  scopes: string[];
  /** For these alone; empty for all */
  telescopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
};

export type ApiKeyMade = {
  id: string;
  name: string;
  scopes: string[];
  /** For these alone; empty for all */
  telescopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  /** Shown this once; only its hash is kept */
  key: string;
};

export type ApiKeyRequest = {
  name: string;
  scopes?: ("session:view" | "session:control" | "session:abort" | "bookings:read" | "bookings:write" | "robotarget:write" | "telescopes:read" | "telescopes:write" | "users:write" | "tokens:write" | "admin:read" | "admin:write")[];
  expires_at?: string;
  /** For these alone; all that you are for when left out */
  telescopes?: string[];
};

export type AuditLine = {
  id: string;
  at: string;
  actor: string;
  action: string;
  booking_id: string | null;
  telescope_id: string | null;
  data: Record<string, unknown>;
};

export type AuditPage = {
  data: AuditLine[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
};

export type Availability = {
  telescope_id: string;
  from: string;
  to: string;
  taken: ({
    start: string;
    end: string;
    kind: "booking" | "maintenance";
    booking_id?: string;
  })[];
  /** Dark at the site */
  nights: {
    start: string;
    end: string;
  }[];
  /** Dark and not taken */
  free: {
    start: string;
    end: string;
  }[];
};

export type Booking = {
  id: string;
  telescope_id: string;
  workflow_id: string;
  start: string;
  end: string;
  user: {
    /** Your own id of the person; the only trace of them outside one table */
    ref: string;
    display_name?: string;
    email?: string;
    locale?: "fr" | "en";
  };
  target: {
    name: string;
    ra_hours: number;
    dec_degrees: number;
    pa_degrees: number;
    ra_text: string;
    dec_text: string;
    /** null where the telescope’s site is not known */
    altitude_at_start_degrees: number | null;
  };
  shots: Shot[];
  constraints: {
    min_altitude_degrees?: number;
    hour_angle_start_hours?: number;
    hour_angle_end_hours?: number;
    /** Server key only */
    priority?: number;
  };
  credits: {
    /** Counted in hundredths: what is finer is rounded */
    charged?: number;
    price?: {
      amount_minor: number;
      currency: string;
    };
  };
  rebooked_from: string | null;
  generation: number;
  phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
  hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
  reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
  reason_text: string | null;
  status: "confirmed" | "running" | "completed" | "cancelled";
  access_state: "upcoming" | "active" | "finished" | "cancelled";
  outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
  voyager_set_guid: string | null;
  voyager_target_guid: string | null;
  voyager_shots: {
    guid: string;
    filter: string;
    filter_index: number;
    exposure_seconds: number;
    quantity: number;
    binning: number;
    done: number;
  }[] | null;
  session_started_at: string | null;
  session_ended_at: string | null;
  images_captured: number;
  session_stats: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
};

export type BookingAcceptedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "booking.accepted";
  data: {
    start: string;
    end: string;
    user_ref: string;
    target: string;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
  };
};

export type BookingAmendment = {
  target?: {
    name: string;
    ra_hours: number | string;
    dec_degrees: number | string;
    pa_degrees?: number;
  };
  shots?: Shot[];
  constraints?: {
    min_altitude_degrees?: number;
    hour_angle_start_hours?: number;
    hour_angle_end_hours?: number;
    /** Server key only */
    priority?: number;
  };
};

export type BookingCheck = {
  ok: boolean;
  errors: Record<string, string[]>;
  frames: number;
  exposure_seconds: number;
  /** Exposures and a usual overhead per frame */
  estimated_seconds: number;
  slot_seconds: number;
  /** Dark and inside the constraints */
  usable_seconds: number;
  fits: boolean;
  /** null where the telescope’s site is not known */
  altitude_at_start_degrees: number | null;
  windows: {
    start: string;
    end: string;
  }[];
  /** Slot × credits_per_hour: that of the body, else that of the telescope; null without either */
  credits: number | null;
  /** A slot in the way; whose it is stays unsaid */
  conflict: {
    start: string;
    end: string;
  } | null;
};

export type BookingCheckRequest = {
  telescope_id: string;
  start: string;
  end: string;
  user: {
    /** Your own id of the person; the only trace of them outside one table */
    ref: string;
    display_name?: string;
    email?: string;
    locale?: "fr" | "en";
  };
  target: {
    name: string;
    ra_hours: number | string;
    dec_degrees: number | string;
    pa_degrees?: number;
  };
  shots: Shot[];
  constraints?: {
    min_altitude_degrees?: number;
    hour_angle_start_hours?: number;
    hour_angle_end_hours?: number;
    /** Server key only */
    priority?: number;
  };
  credits?: {
    /** Counted in hundredths: what is finer is rounded */
    charged?: number;
    price?: {
      amount_minor: number;
      currency: string;
    };
  };
  rebooked_from?: string;
  credits_per_hour?: number;
};

export type BookingCredits = {
  booking_id: string;
  /** What the booking costs */
  charged: number;
  /** Paid and not yet settled */
  held: number;
  /** What stays with the telescope */
  earned: number;
  settlement: Settlement | null;
  /** Each takes from one account of the booking and gives to another, so all of them sum to zero */
  transfers: ({
    id: string;
    at: string;
    kind: "hold" | "release" | "post" | "void" | "refund" | "recharge";
    from: "guest" | "held" | "earned";
    to: "guest" | "held" | "earned";
    credits: number;
    settlement_id: string | null;
  })[];
  by_hand: {
    id: string;
    at: string;
    credits: number;
    reason: string;
    actor: string;
  }[];
};

export type BookingPage = {
  data: Booking[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
};

export type BookingRequest = {
  telescope_id: string;
  start: string;
  end: string;
  user: {
    /** Your own id of the person; the only trace of them outside one table */
    ref: string;
    display_name?: string;
    email?: string;
    locale?: "fr" | "en";
  };
  target: {
    name: string;
    ra_hours: number | string;
    dec_degrees: number | string;
    pa_degrees?: number;
  };
  shots: Shot[];
  constraints?: {
    min_altitude_degrees?: number;
    hour_angle_start_hours?: number;
    hour_angle_end_hours?: number;
    /** Server key only */
    priority?: number;
  };
  credits?: {
    /** Counted in hundredths: what is finer is rounded */
    charged?: number;
    price?: {
      amount_minor: number;
      currency: string;
    };
  };
  rebooked_from?: string;
};

export type Calendar = {
  id: string;
  kind: string;
  subject: string;
  /** a secret: whoever has it reads the calendar */
  url: string;
  created_at: string;
};

export type CalendarList = {
  data: Calendar[];
};

export type CalendarRequest = {
  kind?: "guest" | "telescope" | "operator";
  /** user.ref or telescope id; left out: your own, or all */
  subject?: string;
  locale?: "fr" | "en";
};

export type CameraPreview = {
  /** data URL of a JPEG */
  image: string;
  timestamp: string;
  meta: Record<string, unknown>;
};

export type CatalogueEntry = {
  designation: string;
  names: string[];
  name_fr: string | null;
  type: string;
  ra_hours: number;
  dec_degrees: number;
  magnitude: number | null;
  size_arcmin: number | null;
};

export type CatalogueList = {
  data: CatalogueEntry[];
};

export type ChannelAuth = {
  auth: string;
  channel_data?: string;
};

export type ChannelAuths = {
  channels: Record<string, ChannelAuth | Problem>;
};

export type Complaint = {
  id: string;
  booking_id: string;
  image_id: string | null;
  text: string;
  created_at: string;
  state: "open" | "answered";
  answer: string | null;
  answered_at: string | null;
  /** Credits that came back with the answer */
  refund: number;
  /** What is known of it: the same for the guest and for whoever answers */
  evidence: {
    image: {
      id: string;
      filename: string;
      state: string;
      reason: string | null;
      filter: string | null;
      exposure: number | null;
      hfd: number | null;
      stars: number | null;
      captured_at: string | null;
    } | null;
    /** Frames of the night, by state */
    frames: Record<string, number>;
    /** The slot, by class of the ledger */
    seconds: {
      unsafe: number;
      outage: number;
      foreign: number;
      weather_hold: number;
      user_pause: number;
      imaging: number;
      overhead: number;
      other: number;
    };
    settlement: Settlement | null;
  };
};

export type ComplaintAnswer = {
  /** The guest reads it */
  answer: string;
  refund_credits?: number;
};

export type ComplaintAnsweredWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "complaint.answered";
  data: {
    complaint_id: string;
    /** The frame it is about; null for the night */
    image_id: string | null;
    /** What the guest had said */
    text: string;
    answer: string;
    credits_refund: number;
    answered_at: string;
  };
};

export type ComplaintList = {
  data: Complaint[];
};

export type ComplaintPage = {
  data: Complaint[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
};

export type ComplaintRequest = {
  /** Left out: the night as a whole */
  image_id?: string;
  text: string;
};

export type ConnectionState = {
  connected: boolean;
  state: "idle" | "connecting" | "handshaking" | "ready" | "closing" | "waiting";
  since: string;
  host: string;
  port: number;
  instance: number;
  voyager_version: string | null;
  last_message_age_seconds: number | null;
  /** Median of our clock less Voyager’s over 20 events */
  clock_offset_seconds: number | null;
  reconnects: number;
  /** Why the link is not ready, in words */
  reason: string | null;
};

export type ControlConfirmedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "control.confirmed";
  data: Receipt;
};

export type ControlRefusedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "control.refused";
  data: Receipt;
};

export type CreditsSettledWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "credits.settled";
  data: Settlement;
};

export type CurrentSequence = {
  running: boolean;
  name: string | null;
  target_guid: string | null;
  booking_id: string | null;
  filter: string | null;
  shot: number | null;
  shots_total: number | null;
  remaining_seconds: number | null;
};

export type DashboardState = {
  voyager_status: "IDLE" | "RUN" | "ERROR" | "STOPPED" | "WARNING" | "UNDEFINED";
  message: string | null;
  target_name: string | null;
  target_guid: string | null;
  set_guid: string | null;
  target_enabled: boolean | null;
  updated_at: string;
  equipment: ({
    key: string;
    label: string;
    connected: boolean;
    status: string;
    detail: string | null;
  })[];
  sequence: {
    progress: number;
    shots_total: number;
    shots_done: number;
    integration_minutes: number;
  } | null;
  exposure: {
    filter: string | null;
    elapsed: number;
    remaining: number;
    progress: number;
  } | null;
  warnings: string[];
};

export type Delivery = {
  id: string;
  channel: "webhook" | "email" | "push" | "chat" | "operator";
  /** Which receiver of webhooks, where there are several and it is not the first */
  receiver: string | null;
  type: "booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested";
  booking_id: string | null;
  telescope_id: string | null;
  sequence: number;
  state: "waiting" | "delivered" | "dead" | "not_sent";
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  delivered_at: string | null;
  dead_at: string | null;
  last_error: string | null;
};

export type DeliveryDetail = {
  id: string;
  channel: "webhook" | "email" | "push" | "chat" | "operator";
  /** Which receiver of webhooks, where there are several and it is not the first */
  receiver: string | null;
  type: "booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested";
  booking_id: string | null;
  telescope_id: string | null;
  sequence: number;
  state: "waiting" | "delivered" | "dead" | "not_sent";
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  delivered_at: string | null;
  dead_at: string | null;
  last_error: string | null;
  data: Record<string, unknown>;
  log: ({
    attempt: number;
    at: string;
    status: number | null;
    error: string | null;
    duration_ms: number;
  })[];
};

export type DeliveryPage = {
  data: Delivery[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
};

export type DropInAbort = {
  targetGuid?: string;
  setGuid?: string;
  /** Whose stop this is, said with a server key: `guest` where your site relays what its guest pressed. Without it a stop with a key is the operator’s: an outage, given back */
  requested_by?: "guest" | "operator";
};

export type DropInToggle = {
  objectGuid: string;
  /** 0 set, 1 target, 2 shot */
  objectType: 0 | 1 | 2;
  /** 0 enable, 1 disable */
  operation: 0 | 1;
};

export type EmergencyOver = {
  ended: boolean;
};

export type Erasure = {
  ref: string;
  erased_at: string;
  kept: string[];
};

export type ErrorOccurredWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "error.occurred";
  data: {
    phase?: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause?: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error";
    outcome?: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status?: "confirmed" | "running" | "completed" | "cancelled";
    access_state?: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation?: number;
    set_guid?: string | null;
    target_guid?: string | null;
    next?: {
      what: string;
      at: string;
    } | null;
    session_started_at?: string | null;
    session_ended_at?: string | null;
    message: string;
    message_fr?: string | null;
    at: string;
    audience?: "operator";
    severity?: "info" | "warning" | "critical" | "page";
  };
};

export type Event = {
  id: string;
  type: "control.updated" | "shot.progress" | "preview.ready" | "image.captured" | "image.measured" | "plan.progress" | "session.changed" | "receipt.changed" | "weather.alert" | "error.alert" | "log.appended";
  seq: number;
  epoch: number;
  ts: string;
  booking_id: string | null;
  telescope_id: string;
  rev?: number;
  data: Record<string, unknown>;
};

export type EventList = {
  data: Event[];
  meta: {
    epoch: number;
    last_seq: number;
    /** false: ask again after the last one */
    complete: boolean;
  };
};

export type ExtendRequest = {
  minutes: number;
  credits_charged?: number;
};

export type FrameStats = {
  min: number;
  max: number;
  mean: number;
  median: number;
  mad: number;
  nonfinite: number;
  saturated: number;
  background: number | null;
  eccentricity: number | null;
};

export type Health = {
  ok: boolean;
};

export type Image = {
  id: string;
  booking_id: string;
  filename: string;
  type: "LIGHT" | "BIAS" | "DARK" | "FLAT";
  filter: string | null;
  /** seconds */
  exposure: number | null;
  /** °C */
  temperature: number | null;
  binning: number | null;
  gain: number | null;
  offset: number | null;
  /** half-flux diameter, pixels */
  hfd: number | null;
  hfd_source: "voyager" | "header" | "measured" | null;
  star_index: number | null;
  stars: number | null;
  metadata: Record<string, unknown>;
  stats: FrameStats | null;
  histogram: number[] | null;
  captured_at: string | null;
  state: "pending" | "archived" | "rejected" | "missing";
  reason: string | null;
  measured: boolean;
  previewed: boolean;
  url: string | null;
  preview_url: string | null;
  thumbnail_url: string | null;
  /** stretched picture at full size, JPEG; made when first asked for */
  full_url: string | null;
  /** reduced 16-bit FITS for a viewer in the browser */
  quicklook_url: string | null;
  size_bytes: number | null;
  sha256: string | null;
};

export type ImageCapturedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "image.captured";
  data: ImageSummary;
};

export type ImagePage = {
  data: ImageSummary[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
};

export type ImagesDigestWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "images.digest";
  data: {
    images_captured: number;
    images: ({
      id: string;
      filename: string;
      filter: string | null;
      /** seconds */
      exposure: number | null;
      captured_at: string | null;
      /** half-flux diameter, pixels */
      hfd: number | null;
      url: string | null;
      preview_url: string | null;
      thumbnail_url: string | null;
    })[];
  };
};

export type ImagesExpiringWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "images.expiring";
  data: {
    expires_at: string;
    images: number;
  };
};

export type ImageSummary = {
  id: string;
  booking_id: string;
  filename: string;
  type: "LIGHT" | "BIAS" | "DARK" | "FLAT";
  filter: string | null;
  /** seconds */
  exposure: number | null;
  /** °C */
  temperature: number | null;
  binning: number | null;
  gain: number | null;
  offset: number | null;
  /** half-flux diameter, pixels */
  hfd: number | null;
  hfd_source: "voyager" | "header" | "measured" | null;
  star_index: number | null;
  stars: number | null;
  stats: FrameStats | null;
  captured_at: string | null;
  state: "pending" | "archived" | "rejected" | "missing";
  reason: string | null;
  measured: boolean;
  previewed: boolean;
  url: string | null;
  preview_url: string | null;
  thumbnail_url: string | null;
  /** stretched picture at full size, JPEG; made when first asked for */
  full_url: string | null;
  /** reduced 16-bit FITS for a viewer in the browser */
  quicklook_url: string | null;
  size_bytes: number | null;
  sha256: string | null;
};

export type KeyRotation = {
  overlap_seconds?: number;
};

export type Ledger = {
  booking_id: string;
  start: string;
  end: string;
  intervals: ({
    start: string;
    end: string;
    class: "unsafe" | "outage" | "foreign" | "weather_hold" | "user_pause" | "imaging" | "overhead" | "other";
    cause: string | null;
  })[];
  seconds: {
    unsafe: number;
    outage: number;
    foreign: number;
    weather_hold: number;
    user_pause: number;
    imaging: number;
    overhead: number;
    other: number;
  };
  settlement: Settlement | null;
};

export type LinkExchange = {
  /** what stands after #link= in the address */
  code: string;
  /** a random text that this browser keeps: the first one to use a link may do what the link allows */
  device: string;
};

export type LinkRequest = {
  booking_id: string;
};

export type LinkRequested = {
  state: "accepted";
};

export type LinkSession = {
  token: string;
  booking_id: string;
  scopes: string[];
  view_only: boolean;
  expires_at: string;
};

export type LinksRevoked = {
  revoked: number;
};

export type LiveHistory = {
  series: Record<string, unknown>;
};

export type LoginOptions = {
  challenge: string;
};

export type LoginRequest = {
  credential: PasskeyAnswer;
};

export type LogLine = {
  at: string;
  level: "INFO" | "WARNING" | "ERROR";
  source: "session" | "voyager" | "gateway" | "frames";
  event: string;
  message: string;
  message_fr: string | null;
  data: Record<string, unknown>;
};

export type LogPage = {
  data: LogLine[];
  links: {
    first: string;
    last: null;
    prev: null;
    next: string | null;
  };
  meta: {
    path: string;
    per_page: number;
    next_cursor: string | null;
    prev_cursor: null;
  };
  /** The logs that whoever asks may read */
  sources: ("night" | "voyager")[];
};

export type Maintenance = {
  from: string;
  to: string;
  reason: string;
  /** What happens to sessions inside the window */
  bookings?: "hold" | "cancel";
};

export type MaintenanceEntered = {
  id: string;
  telescope_id: string;
  from: string;
  to: string;
  reason: string;
  bookings: "hold" | "cancel";
  ended_at: string | null;
  affected: string[];
  /** The gateway that guards the telescope has the window */
  gate_knows: boolean;
  message?: string;
};

export type MaintenanceList = {
  data: MaintenanceWindow[];
};

export type MaintenanceWindow = {
  id: string;
  telescope_id: string;
  from: string;
  to: string;
  reason: string;
  bookings: "hold" | "cancel";
  ended_at: string | null;
};

export type NewPasskey = {
  id: string;
  rawId: string;
  type: "public-key";
  authenticatorAttachment?: "platform" | "cross-platform";
  clientExtensionResults?: Record<string, unknown>;
  response: {
    clientDataJSON: string;
    attestationObject: string;
    transports?: string[];
  };
};

export type Operator = {
  id: string;
  name: string;
  role: "observer" | "operator" | "admin";
  /** For these alone; empty for all */
  telescopes: string[];
  created_at: string;
  expires_at: string | null;
  ended_at: string | null;
  /** an invitation waits until then */
  invited_until: string | null;
  is_me: boolean;
  passkeys: ({
    id: string;
    label: string;
    created_at: string;
    last_used_at: string | null;
  })[];
  sessions: {
    id: string;
    created_at: string;
    expires_at: string;
    /** the session that asks */
    is_this: boolean;
  }[];
};

export type OperatorInvitation = {
  operator_id: string;
  /** Opens the page that makes the passkey; good once, shown this once */
  url: string;
  expires_at: string;
};

export type OperatorInvited = {
  operator: Operator;
  invitation: OperatorInvitation;
};

export type OperatorList = {
  data: Operator[];
};

export type OperatorRequest = {
  /** as the audit log shows it */
  name: string;
  role: "observer" | "operator" | "admin";
  /** For these alone; all that the key is for when left out */
  telescopes?: string[];
};

export type PageConfig = {
  name: string;
  public_url: string | null;
  live: {
    key: string;
    /** What stands before /app/{key}: wsPath of pusher-js */
    path: string;
    auth_endpoint: string;
    snapshot_event: string;
  };
  support: {
    url: string | null;
    email: string | null;
  };
  /** Where a guest books for real */
  book_url: string | null;
  vapid_public_key: string | null;
  demo: boolean;
  temporal_ui_url: string | null;
  max_image_size_mb: number;
};

export type Pairing = {
  manifest_url: string;
};

export type PasskeyAnswer = {
  id: string;
  rawId: string;
  type: "public-key";
  authenticatorAttachment?: "platform" | "cross-platform";
  clientExtensionResults?: Record<string, unknown>;
  response: {
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
    userHandle?: string;
  };
};

export type PasskeyOptions = {
  challenge: string;
};

export type PasskeyOptionsRequest = {
  invitation: string;
};

export type PasskeyRequest = {
  invitation: string;
  credential: NewPasskey;
  /** how the operator tells the device */
  label?: string;
};

export type PersonExport = {
  ref: string;
  display_name: string | null;
  email: string | null;
  locale: string;
  created_at: string;
  erased_at: string | null;
  bookings: ({
    id: string;
    telescope_id: string;
    start: string;
    end: string;
    target: string;
    phase: string | null;
    images_captured: number;
  })[];
  tokens: {
    id: string;
    kind: string;
    created_at: string;
    expires_at: string;
  }[];
  push_subscriptions: {
    id: string;
    endpoint_host: string;
    created_at: string;
  }[];
  settlements: {
    settlement_id: string;
    booking_id: string;
    credits_charged: number;
    credits_refund: number;
    created_at: string;
  }[];
};

export type PreferencesRequest = {
  quiet_hours?: {
    from: string;
    to: string;
  } | null;
  /** for the quiet hours; without one the telescope’s */
  timezone?: string | null;
  channels?: {
    email?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
    push?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
    chat?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
  };
  /** channels that the Laravel app uses itself; set with the server key only */
  laravel?: ("email" | "push" | "chat")[];
  /** new addresses; left out: they stay as they are */
  chats?: ({
    kind: "ntfy" | "telegram" | "discord" | "slack";
    address: string;
  })[];
  /** with `chats`: kinds whose address stays */
  keep_chats?: ("ntfy" | "telegram" | "discord" | "slack")[];
};

export type PreferencesShown = {
  quiet_hours?: {
    from: string;
    to: string;
  } | null;
  /** for the quiet hours; without one the telescope’s */
  timezone?: string | null;
  channels?: {
    email?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
    push?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
    chat?: {
      on?: boolean;
      off?: ("booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested")[];
    };
  };
  /** channels that the Laravel app uses itself; set with the server key only */
  laravel?: ("email" | "push" | "chat")[];
  chats: {
    kind: string;
    /** its end alone */
    address: string;
  }[];
  types: ({
    type: string;
    name: {
      fr: string;
      en: string;
    };
    channels: ("email" | "push" | "chat")[];
    /** about the booking itself: it cannot be switched off */
    always: boolean;
  })[];
  /** kinds of chat that this site can write to */
  offered: string[];
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  code: "bad_request" | "malformed_json" | "unauthenticated" | "token_expired" | "token_revoked" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "slot_taken" | "booking_final" | "session_started" | "site_unknown" | "maintenance" | "control_refused" | "in_progress" | "precondition_failed" | "too_large" | "uri_too_long" | "unsupported_media_type" | "range_not_satisfiable" | "invalid" | "too_many_requests" | "internal" | "not_installed" | "busy" | "gateway_away" | "temporal_away" | "database_away" | "storage_away";
  detail: string;
  request_id?: string;
  message?: string;
  errors?: Record<string, string[]>;
};

export type PublicTelescope = {
  id: string;
  name: string;
  /** null while nobody said where it stands: it can be watched, not booked */
  site: {
    latitude_degrees: number;
    /** East positive */
    longitude_degrees: number;
    elevation_meters?: number;
    /** IANA name */
    timezone?: string;
  } | null;
  horizon_degrees: number;
  night: {
    sun_altitude_degrees: number;
  };
  filters: string[];
  camera: {
    width: number;
    height: number;
    pixel_um: number;
    bayer: string | null;
  };
  turnaround_minutes: number;
  credits_per_hour?: number;
};

export type PushSubscribed = {
  id: string;
};

export type PushSubscriptionRequest = {
  booking_id?: string;
  endpoint: string;
  keys: {
    p256dh: string;
    auth: string;
  };
  locale?: "fr" | "en";
};

export type Readiness = {
  ok: boolean;
  checks: Record<string, {
      ok: boolean;
      error?: string;
    }>;
};

export type Receipt = {
  command_id: string;
  kind: "pause" | "resume" | "abort" | "cancel" | "reschedule" | "extend" | "amend" | "toggle" | "halt" | "robotarget";
  state: "accepted" | "sent" | "confirmed" | "refused" | "unknown";
  reason?: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error";
  message?: string;
  booking_id?: string;
  telescope_id?: string;
  at: string;
};

export type RefundRequest = {
  credits: number;
  /** The guest reads it */
  reason: string;
};

export type ReplayRequest = {
  booking_id?: string;
  dead?: boolean;
};

export type ReplayResult = {
  count: number;
};

export type Report = {
  summary: {
    booking_id: string;
    user: string;
    telescope_id: string;
    equipment: string;
    target: string;
    ra_text: string;
    dec_text: string;
    date: string;
    end: string;
    duration_planned_seconds: number;
    /** From the start of the session to its end; planned is the slot. */
    duration_actual_seconds: number;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
  };
  weather: {
    average_temperature: number | null;
    average_humidity: number | null;
    average_seeing: number | null;
    cloud_coverage: number | null;
    samples: number;
  };
  images: {
    /** Exposures that were asked for */
    planned: number;
    /** Frames of every type that are not missing */
    total_captured: number;
    /** Of these, those that stand in the archive */
    archived: number;
    /** Frames that came and were refused, each with its reason. */
    rejected: number;
    /** Frames that Voyager announced and nobody found. */
    missing: number;
    by_filter: ({
      filter: string;
      count: number;
      exposure_seconds: number;
      average_hfd: number | null;
      /** frames of which the HFD is known; the mean is over these */
      hfd_frames?: number;
    })[];
    /** Exposure times of the light frames in the archive, added up. */
    total_exposure_seconds: number;
    /** Mean half-flux diameter of the stars over the light frames in the archive that have enough of them, in pixels. */
    average_hfd: number | null;
    /** frames of which the HFD is known; the mean is over these */
    hfd_frames?: number;
    frames: ({
      id: string;
      filename: string;
      filter: string | null;
      exposure: number | null;
      hfd: number | null;
      captured_at: string | null;
      state: string;
      reason: string | null;
      sha256: string | null;
    })[];
  };
  tracking: {
    /** Mean of the guider’s RMS over the samples of the slot that have one, in pixels. */
    average_rms_px: number | null;
    /** Seconds with the guider running, of the guided seconds of exposure that stand in the archive. 0 to 1 */
    guiding_uptime: number | null;
  };
  issues: {
    /** Faults in the night log; one that is told several times within a minute counts once. */
    errors_count: number;
    /** The guest’s own pauses; what weather and faults took stands under the holds. */
    pauses_count: number;
    pauses_duration_seconds: number;
    holds: {
      start: string;
      end: string;
      reason: string;
    }[];
  };
  ledger: {
    seconds: {
      unsafe: number;
      outage: number;
      foreign: number;
      weather_hold: number;
      user_pause: number;
      imaging: number;
      overhead: number;
      other: number;
    };
    intervals: ({
      start: string;
      end: string;
      class: "unsafe" | "outage" | "foreign" | "weather_hold" | "user_pause" | "imaging" | "overhead" | "other";
      cause: string | null;
    })[];
  };
  credits: Settlement | null;
  /** What has come since the first report; null where nothing has */
  changes?: {
    /** When the night was first settled */
    since: string;
    /** Frames that were archived later */
    frames: {
      id: string;
      filename: string;
    }[];
    /** Of these frames, added to the total exposure */
    exposure_seconds: number;
    credits_refund_before: number;
    credits_refund_now: number;
  } | null;
  files: {
    download_link: string | null;
    timelapse_link?: string | null;
    total_size_bytes: number;
    count: number;
  };
  timeline: {
    at: string;
    event: string;
    level: string;
    message: string;
  }[];
  generated_at: string;
};

export type RescheduleRequest = {
  start: string;
  end: string;
};

export type SessionAbortedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.aborted";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    frames?: {
      captured: number;
      archived: number;
      rejected: number;
      missing: number;
      pending: number;
    };
    settlement_id?: string;
    credits_refund?: number;
    slot?: {
      start: string;
      end: string;
    };
  };
};

export type SessionCancelledWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.cancelled";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    frames?: {
      captured: number;
      archived: number;
      rejected: number;
      missing: number;
      pending: number;
    };
    settlement_id?: string;
    credits_refund?: number;
    slot?: {
      start: string;
      end: string;
    };
  };
};

export type SessionCompletedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.completed";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    frames?: {
      captured: number;
      archived: number;
      rejected: number;
      missing: number;
      pending: number;
    };
    settlement_id?: string;
    credits_refund?: number;
    slot?: {
      start: string;
      end: string;
    };
  };
};

export type SessionExtendedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.extended";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    message: string;
    message_fr: string | null;
    end: string;
  };
};

export type SessionFailedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.failed";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    frames?: {
      captured: number;
      archived: number;
      rejected: number;
      missing: number;
      pending: number;
    };
    settlement_id?: string;
    credits_refund?: number;
    slot?: {
      start: string;
      end: string;
    };
  };
};

export type SessionPausedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.paused";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    cause: "weather" | "fault" | "user" | "maintenance";
  };
};

export type SessionPreparedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.prepared";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
  };
};

export type SessionRescheduledWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.rescheduled";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    start: string;
    end: string;
  };
};

export type SessionResumedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.resumed";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
  };
};

export type SessionStartedWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.started";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
  };
};

export type SessionStartingSoonWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.starting_soon";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    message: string;
    message_fr: string | null;
    start: string;
  };
};

export type SessionStats = {
  booking_id: string;
  /** From the start of the session to its end, or to now. */
  elapsed_seconds: number;
  slot_seconds: number;
  images: {
    captured: number;
    archived: number;
    rejected: number;
    missing: number;
    pending: number;
  };
  by_filter: ({
    filter: string;
    count: number;
    exposure_seconds: number;
    average_hfd: number | null;
    /** frames of which the HFD is known; the mean is over these */
    hfd_frames: number;
  })[];
  /** Exposure times of the light frames in the archive, added up. */
  total_exposure_seconds: number;
  /** Mean half-flux diameter of the stars over the light frames in the archive that have enough of them, in pixels. */
  average_hfd: number | null;
  /** frames of which the HFD is known; the mean is over these */
  hfd_frames: number;
  guiding: {
    /** Seconds with the guider running, of the guided seconds of exposure that stand in the archive. 0 to 1; as guiding_uptime in the report */
    success_rate: number | null;
    /** Mean of the guider’s RMS over the samples of the slot that have one, in pixels. */
    average_rms_px: number | null;
    /** samples in which the RMS is known; the mean is over these */
    rms_samples: number;
    samples: number;
  };
};

export type SessionWeatheredOutWebhook = {
  /** The same at every attempt, whoever receives it */
  id: string;
  created_at: string;
  /** Counts up within a booking */
  sequence: number;
  booking_id: string | null;
  telescope_id: string | null;
  type: "session.weathered_out";
  data: {
    phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
    hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
    reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
    status: "confirmed" | "running" | "completed" | "cancelled";
    access_state: "upcoming" | "active" | "finished" | "cancelled";
    /** Grows with each new slot or plan; objects of an older one are removed */
    generation: number;
    set_guid: string | null;
    target_guid: string | null;
    next: {
      what: string;
      at: string;
    } | null;
    session_started_at: string | null;
    session_ended_at: string | null;
    at: string;
    frames?: {
      captured: number;
      archived: number;
      rejected: number;
      missing: number;
      pending: number;
    };
    settlement_id?: string;
    credits_refund?: number;
    slot?: {
      start: string;
      end: string;
    };
  };
};

export type SetChanges = {
  Guid?: string;
  Name?: string;
  /** The telescope’s own when left out */
  ProfileName?: string;
  Status?: number;
  Tag?: string;
};

export type SetList = {
  data: Record<string, unknown>[];
};

export type SetRequest = {
  Guid?: string;
  Name: string;
  /** The telescope’s own when left out */
  ProfileName?: string;
  /** 0 enabled, 1 disabled */
  Status?: number;
  Tag?: string;
};

export type Settlement = {
  settlement_id: string;
  rule: string;
  lines: ({
    class: "unsafe" | "outage" | "foreign" | "weather_hold" | "user_pause" | "imaging" | "overhead" | "other";
    seconds: number;
    credits: number;
  })[];
  credits_charged: number;
  credits_refund: number;
  supersedes?: string;
  by_hand?: {
    credits: number;
    reason: string;
  };
  explanation?: {
    en: string;
    fr: string;
  };
};

export type Shot = {
  filter: string;
  exposure_seconds: number;
  quantity: number;
  binning?: number;
  gain?: number | null;
  offset?: number | null;
  type?: "light" | "bias" | "dark" | "flat";
};

export type ShotChanges = {
  GuidShot?: string;
  RefGuidTarget?: string;
  FilterIndex?: number;
  Num?: number;
  Bin?: number;
  ReadoutMode?: number;
  Type?: number;
  Speed?: number;
  Gain?: number;
  Offset?: number;
  /** seconds */
  Exposure?: number;
  Order?: number;
  Enabled?: boolean;
  Done?: number;
};

export type ShotList = {
  data: Record<string, unknown>[];
};

export type ShotRequest = {
  GuidShot?: string;
  RefGuidTarget: string;
  FilterIndex: number;
  Num: number;
  Bin?: number;
  ReadoutMode?: number;
  /** 0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT */
  Type?: number;
  Speed?: number;
  Gain?: number;
  Offset?: number;
  /** seconds */
  Exposure: number;
  Order?: number;
  Enabled?: boolean;
  Done?: number;
};

export type SignedIn = {
  token: string;
  name: string;
  role: "observer" | "operator" | "admin";
  expires_at: string;
};

export type Silence = {
  id: string;
  telescope_id: string | null;
  actor: string;
  reason: string | null;
  from: string;
  until: string;
};

export type SilenceList = {
  data: Silence[];
};

export type SilenceRequest = {
  minutes?: number;
  /** left out: all telescopes */
  telescope_id?: string;
  reason?: string;
};

export type Snapshot = {
  seq: number;
  epoch: number;
  ts: string;
  booking_id: string;
  telescope_id: string;
  telescope_name: string;
  timezone: string;
  start: string;
  end: string;
  now: string;
  target: {
    name: string;
    ra_hours: number;
    dec_degrees: number;
    ra_text: string;
    dec_text: string;
  };
  phase: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed";
  hold_cause: "weather" | "fault" | "user" | "maintenance" | null;
  reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
  status: string;
  access_state: string;
  outcome: "completed" | "cancelled" | "aborted" | "weathered_out" | "failed" | null;
  next: {
    what: string;
    at: string;
  } | null;
  session_started_at: string | null;
  session_ended_at: string | null;
  plan: ({
    guid: string | null;
    filter: string;
    exposure_seconds: number;
    quantity: number;
    done: number;
    binning: number;
    type: string;
  })[];
  progress: {
    shots_done: number;
    shots_total: number;
    integration_seconds: number;
    percent: number;
  };
  credits: {
    charged: number;
    /** What stays charged: all of it until the settlement, then less the refund, as in the report */
    used: number;
    refund: number | null;
    /** Of the settlement, once there is one */
    explanation?: {
      en: string;
      fr: string;
    };
  };
  images: {
    captured: number;
    archived: number;
    average_hfd: number | null;
  };
  /** null when possible, else why not */
  controls: {
    pause: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    resume: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
    abort: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
  };
  last_receipt: Receipt | null;
  telescope: TelescopeState | null;
  /** Only on the state channel, where the plan is too long for it: `GET …/snapshot` has all */
  partial?: true;
};

export type TargetChanges = {
  GuidTarget?: string;
  RefGuidSet?: string;
  /** The telescope’s own when left out */
  RefGuidBaseSequence?: string;
  TargetName?: string;
  /** hours, or like 02:49:50 */
  RAJ2000?: number | string;
  /** degrees, or like +47:20:07 */
  DECJ2000?: number | string;
  PA?: number;
  /** Unix seconds; now when left out */
  DateCreation?: number;
  Status?: number;
  Priority?: number;
  IsRepeat?: boolean;
  Repeat?: number;
  C_Mask?: string;
  C_AltMin?: number;
  C_HAStart?: number;
  C_HAEnd?: number;
  /** Unix seconds; without it the target is bound to no night */
  C_DateStart?: number;
  /** Unix seconds */
  C_DateEnd?: number;
  Tag?: string;
};

export type TargetList = {
  data: Record<string, unknown>[];
};

export type TargetRequest = {
  GuidTarget?: string;
  RefGuidSet: string;
  /** The telescope’s own when left out */
  RefGuidBaseSequence?: string;
  TargetName: string;
  /** hours, or like 02:49:50 */
  RAJ2000: number | string;
  /** degrees, or like +47:20:07 */
  DECJ2000: number | string;
  PA?: number;
  /** Unix seconds; now when left out */
  DateCreation?: number;
  /** 0 enabled, 1 disabled */
  Status?: number;
  Priority?: number;
  IsRepeat?: boolean;
  Repeat?: number;
  C_Mask?: string;
  C_AltMin?: number;
  C_HAStart?: number;
  C_HAEnd?: number;
  /** Unix seconds; without it the target is bound to no night */
  C_DateStart?: number;
  /** Unix seconds */
  C_DateEnd?: number;
  Tag?: string;
};

export type TelemetrySeries = {
  booking_id: string;
  from: string;
  to: string;
  bucket_seconds: number;
  samples: number;
  /** Unix seconds, start of each bucket */
  t: number[];
  series: Record<string, {
      mean: (number | null)[];
      min: (number | null)[];
      max: (number | null)[];
    }>;
};

export type Telescope = {
  id: string;
  name: string;
  host: string;
  port?: number;
  instance?: number;
  /** Where the gateway of this telescope serves emergency abort, state and preview */
  gateway_url?: string;
  profile?: string;
  /** Of the RoboTarget base sequence that sessions use; without it the telescope can be watched, not booked */
  base_sequence_guid?: string | null;
  /** null while nobody said where it stands: it can be watched, not booked */
  site: {
    latitude_degrees: number;
    /** East positive */
    longitude_degrees: number;
    elevation_meters?: number;
    /** IANA name */
    timezone?: string;
  } | null;
  horizon_degrees?: number;
  horizon?: {
    azimuth_degrees: number;
    altitude_degrees: number;
  }[];
  night?: {
    sun_altitude_degrees?: number;
  };
  filters?: Record<string, number>;
  camera?: {
    width: number;
    height: number;
    pixel_um: number;
    bayer?: string | null;
  };
  path_map?: {
    /** Root as Voyager writes it, such as C:\Voyager\FITS or \\nas\fits */
    from: string;
    /** The same folder as this machine sees it */
    to: string;
  }[];
  frame_orientation?: "auto" | "top-down" | "bottom-up";
  weather?: {
    sources?: ({
      kind: "voyager";
      period_seconds?: number;
      /** Sessions go on without it; else a source that is silent, old or frozen counts as unknown weather */
      optional?: boolean;
    } | {
      kind: "alpaca";
      url: string;
      observing_conditions?: number | null;
      safety_monitor?: number | null;
      period_seconds?: number;
      /** Sessions go on without it; else a source that is silent, old or frozen counts as unknown weather */
      optional?: boolean;
    } | {
      kind: "boltwood";
      path: string;
      period_seconds?: number;
      /** Time zone (IANA name) of the clock that dates the line, where it is not the site’s */
      timezone?: string;
      /** Sessions go on without it; else a source that is silent, old or frozen counts as unknown weather */
      optional?: boolean;
    })[];
    stale_seconds?: number;
    resume_debounce_seconds?: number;
    /** Unsafe weather for so long without a look by the session, and the gateway itself stops the target */
    session_patience_seconds?: number;
    thresholds?: {
      cloud_percent?: {
        hold: number;
        unsafe: number;
      };
      humidity_percent?: {
        hold: number;
        unsafe: number;
      };
      wind_meters_per_second?: {
        hold: number;
        unsafe: number;
      };
      gust_meters_per_second?: {
        hold: number;
        unsafe: number;
      };
      /** Outside temperature less dew point; below is worse */
      dew_margin_celsius?: {
        hold: number;
        unsafe: number;
      };
    };
  };
  policy?: {
    /** Seconds before start, or noon of the day before at the site */
    prepare_lead?: "noon" | number;
    /** Seconds between checks while running */
    check_interval?: number;
    /** What happens to the exposure under way at a pause */
    pause_mode?: "finish" | "abort";
    minimum_useful_seconds?: number;
    turnaround_minutes?: number;
    grace_seconds?: number;
    exclusivity?: "exclusive" | "shared";
    /** May targets of others be disabled for the slot and enabled again after it */
    disable_foreign_targets?: boolean;
    robotarget_start?: "never" | "dragscript";
    dragscript?: string | null;
    extend_ceiling_minutes?: number;
    calibration_in_bad_weather?: boolean;
    /** May guests read Voyager’s own log of their session; it may name other people’s targets and paths */
    guests_read_voyager_log?: boolean;
    refund?: {
      id?: string;
      refund_share?: Record<string, number>;
      full_refund_below_imaging_share?: number;
      full_refund_below_good_share?: number;
      full_refund_below_good_frames_share?: number;
      count?: "second" | "minute" | "accepted_exposure";
      moon?: {
        share: number;
        from?: number;
      } | null;
      no_show_keeps_credits?: number | null;
      cancelled_share?: number;
      late_cancellation?: {
        minutes: number;
        share: number;
      } | null;
    };
  };
  templates?: {
    set_name?: string;
    set_tag?: string;
  };
  /** What an hour of a slot costs; the booking form shows it, the booking site charges */
  credits_per_hour?: number;
  commands?: string[];
  unattended_without_safety_monitor?: boolean;
};

export type TelescopeList = {
  data: (PublicTelescope | Telescope)[];
};

export type TelescopeState = {
  telescope_id: string;
  rev: number;
  /** Connection epoch: grows with each new TCP connection */
  epoch: number;
  at: string;
  stale: boolean;
  read_only: boolean;
  connection: ConnectionState;
  voyager: {
    status: "IDLE" | "RUN" | "ERROR" | "STOPPED" | "WARNING" | "UNDEFINED";
    setup_connected: boolean | null;
    run_sequence: string | null;
    run_dragscript: string | null;
    emergency: "suspend" | "exit" | null;
    profile: string | null;
    last_error: string | null;
    /** Seconds since Voyager last said so; null when it never did */
    age_seconds: number | null;
  };
  mount: {
    connected: boolean | null;
    parked: boolean | null;
    tracking: boolean | null;
    slewing: boolean | null;
    ra_hours: number | null;
    dec_degrees: number | null;
    ra_j2000_hours: number | null;
    dec_j2000_degrees: number | null;
    altitude_degrees: number | null;
    azimuth_degrees: number | null;
    pier: "west" | "east" | null;
    flip_status: string | null;
    time_to_flip_seconds: number | null;
    /** Seconds since Voyager last said so; null when it never did */
    age_seconds: number | null;
  };
  camera: {
    connected: boolean | null;
    temperature_celsius: number | null;
    setpoint_celsius: number | null;
    power_percent: number | null;
    cooling: boolean | null;
    status: string | null;
    binning: number | null;
    /** Seconds since Voyager last said so; null when it never did */
    age_seconds: number | null;
  };
  focuser: {
    connected: boolean | null;
    position: number | null;
    temperature_celsius: number | null;
    last_focus: {
      at: string;
      position: number | null;
      hfd: number | null;
      filter_index: number | null;
      ok: boolean;
    } | null;
    /** Seconds since Voyager last said so; null when it never did */
    age_seconds: number | null;
  };
  guiding: {
    connected: boolean | null;
    status: "STOPPED" | "SETTLING" | "RUNNING" | "TIMEOUT" | null;
    dither: "STOPPED" | "RUNNING" | "SETTLING" | "TIMEOUT" | null;
    x_px: number | null;
    y_px: number | null;
    rms: {
      window_seconds: number;
      x_px: number;
      y_px: number;
      total_px: number;
      samples: number;
    } | null;
    rms_windows: {
      window_seconds: number;
      x_px: number;
      y_px: number;
      total_px: number;
      samples: number;
    }[];
    /** Seconds since Voyager last said so; null when it never did */
    age_seconds: number | null;
  };
  rotator: {
    connected: boolean | null;
    position_degrees: number | null;
    sky_pa_degrees: number | null;
    moving: boolean | null;
  };
  dome: {
    connected: boolean | null;
    azimuth_degrees: number | null;
    moving: boolean | null;
    shutter: "open" | "closed" | "opening" | "closing" | "error" | "unknown" | null;
  };
  planetarium_connected: boolean | null;
  plate_solver_connected: boolean | null;
  sequence: {
    name: string | null;
    total_seconds: number | null;
    elapsed_seconds: number | null;
    remaining_seconds: number | null;
    start: string | null;
    end: string | null;
  } | null;
  exposure: {
    file: string | null;
    filter: string | null;
    total_seconds: number;
    elapsed_seconds: number;
    percent: number;
    status: "IDLE" | "EXPOSE" | "DOWNLOAD" | "WAIT_JPG" | "ERROR";
    age_seconds: number;
  } | null;
  preview: {
    id: string;
    at: string;
    file: string;
    filter: string | null;
    exposure_seconds: number | null;
    binning: number | null;
    hfd: number | null;
    star_index: number | null;
    width: number | null;
    height: number | null;
    size_bytes: number;
  } | null;
  weather: Weather;
};

export type Token = {
  token: string;
  id: string;
  kind: string;
  subject: string;
  scopes: ("session:view" | "session:control" | "session:abort" | "bookings:read" | "bookings:write" | "robotarget:write" | "telescopes:read" | "telescopes:write" | "users:write" | "tokens:write" | "admin:read" | "admin:write")[];
  expires_at: string;
  control_url: string | null;
};

export type TokenList = {
  data: TokenListed[];
};

export type TokenListed = {
  id: string;
  kind: string;
  subject: string;
  scopes: string[];
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
};

export type TokenRequest = {
  kind: "booking" | "user" | "admin";
  /** booking id, user.ref, or a name for an admin */
  subject: string;
  scopes?: ("session:view" | "session:control" | "session:abort" | "bookings:read" | "bookings:write" | "robotarget:write" | "telescopes:read" | "telescopes:write" | "users:write" | "tokens:write" | "admin:read" | "admin:write")[];
  expires_at?: string;
  /** For these alone; all that the key is for when left out */
  telescopes?: string[];
};

export type Visibility = {
  telescope_id: string;
  from: string;
  to: string;
  step_seconds: number;
  /** Unix seconds */
  t: number[];
  /** degrees */
  altitude: number[];
  azimuth: number[];
  /** hours */
  hour_angle: number[];
  /** degrees, in the direction of the target */
  horizon: number[];
  sun_altitude: number[];
  moon: {
    illuminated_share: number;
    separation_degrees: number;
    altitude_degrees: number;
  };
  /** Dark, above the limit, inside the hour angles */
  windows: {
    start: string;
    end: string;
  }[];
  best: {
    at: string;
    altitude_degrees: number;
  } | null;
  minimum_altitude_degrees: number;
  sun_limit_degrees: number;
};

export type Weather = {
  state: "ok" | "hold" | "unsafe";
  reason: "waiting_for_dark" | "target_below_limit" | "target_outside_hour_angle" | "weather_unsafe" | "weather_hold" | "weather_unknown" | "weather_debounce" | "weather_no_time_left" | "user_pause" | "user_abort" | "user_cancel" | "operator_abort" | "gateway_away" | "voyager_away" | "voyager_error" | "voyager_emergency" | "no_frames" | "robotarget_not_running" | "robotarget_not_set_up" | "foreign_target" | "profile_mismatch" | "sequence_mismatch" | "filter_mismatch" | "equipment_error" | "guiding_lost" | "safety_monitor_missing" | "local_operator" | "maintenance" | "read_only" | "guest_complaint" | "disk_low" | "store_away" | "frames_lost" | "clock_offset" | "plan_finished" | "slot_over" | "outside_slot" | "already_paused" | "not_paused" | "finalising" | "session_over" | "superseded" | "preparation_failed" | "refused_by_voyager" | "not_allowed" | "no_answer" | "next_slot_taken" | "internal_error" | null;
  /** What exactly is over which limit, e.g. "wind 12.1 m/s over 10" */
  causes: string[];
  /** Start of the unbroken safe time; what the debounce counts from */
  ok_since: string | null;
  safety_monitor: {
    connected: boolean;
    safe: boolean | null;
    source: string;
    age_seconds: number;
  } | null;
  cloud: string | null;
  rain: string | null;
  wind: string | null;
  light: string | null;
  category_age_seconds: number | null;
  temperature_celsius: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  humidity_percent: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  dew_point_celsius: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  pressure_hpa: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  wind_meters_per_second: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  gust_meters_per_second: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  cloud_percent: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  rain_rate: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  sky_quality_mag_arcsec2: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  sky_temperature_celsius: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  seeing_arcsec: {
    value: number;
    source: string;
    age_seconds: number;
  } | null;
  stale: boolean;
};

export type Webhook = BookingAcceptedWebhook | SessionPreparedWebhook | SessionStartingSoonWebhook | SessionStartedWebhook | SessionPausedWebhook | SessionResumedWebhook | SessionExtendedWebhook | SessionRescheduledWebhook | SessionCancelledWebhook | SessionAbortedWebhook | SessionWeatheredOutWebhook | SessionFailedWebhook | SessionCompletedWebhook | ImageCapturedWebhook | ImagesDigestWebhook | ImagesExpiringWebhook | ControlConfirmedWebhook | ControlRefusedWebhook | CreditsSettledWebhook | ComplaintAnsweredWebhook | ErrorOccurredWebhook;

export interface ClientOptions {
  /** Where the API stands, such as https://telescope.example */
  baseUrl: string;
  /** Server key (`X-API-Key`). */
  apiKey?: string;
  /** Token of POST /api/tokens. */
  token?: string;
  fetch?: typeof fetch;
}
export interface RequestOptions {
  /** Makes a repetition the same command. */
  idempotencyKey?: string;
  /** Only if the resource is still this one. */
  ifMatch?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A refusal of the API (RFC 9457); `errors` names the fields on 422. */
export class NocturneProblem extends Error {
  readonly problem: Problem;
  readonly status: number;
  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'NocturneProblem';
    this.problem = problem;
    this.status = problem.status;
  }
}

interface Sent {
  body?: unknown;
  query?: Record<string, unknown> | undefined;
  raw?: boolean;
  options?: RequestOptions | undefined;
}

export class NocturneClient {
  private readonly options: ClientOptions;
  constructor(options: ClientOptions) {
    this.options = options;
  }

  private async send<T>(method: string, path: string, { body, query, raw, options }: Sent): Promise<T> {
    const { baseUrl, apiKey, token } = this.options;
    const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
    const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
    const response = await (this.options.fetch ?? fetch)(`${baseUrl.replace(/\/$/, '')}${path}${given.length > 0 ? `?${search.toString()}` : ''}`, {
      method,
      headers: {
        ...(apiKey ? { 'x-api-key': apiKey } : {}),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options?.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {}),
        ...(options?.ifMatch ? { 'if-match': options.ifMatch } : {}),
        ...options?.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options?.signal ? { signal: options.signal } : {}),
    });
    if (!response.ok && response.status !== 304) {
      const problem = (await response.json().catch(() => null)) as Problem | null;
      throw new NocturneProblem(problem ?? ({ type: 'about:blank', title: response.statusText, status: response.status, code: 'internal', detail: `HTTP ${response.status}` } as Problem));
    }
    if (raw) return response as T;
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** The process lives. `GET /healthz` */
  health(options?: RequestOptions): Promise<Health> {
    return this.send<Health>('GET', `/healthz`, { options });
  }

  /** It can serve: database, bus that hears, workflow service that can start sessions. `GET /readyz` */
  ready(options?: RequestOptions): Promise<Readiness> {
    return this.send<Readiness>('GET', `/readyz`, { options });
  }

  /** Prometheus metrics. `GET /metrics` */
  metrics(options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/metrics`, { raw: true, options });
  }

  /** What a page needs before it knows who looks at it. `GET /api/config` */
  pageConfig(options?: RequestOptions): Promise<PageConfig> {
    return this.send<PageConfig>('GET', `/api/config`, { options });
  }

  /** Find a target by name or number. `GET /api/catalogue` */
  searchCatalogue(query?: { query?: string; limit?: number }, options?: RequestOptions): Promise<CatalogueList> {
    return this.send<CatalogueList>('GET', `/api/catalogue`, { query, options });
  }

  /** A session token for the link of a letter. `POST /api/links/exchange` */
  exchangeLink(body: LinkExchange, options?: RequestOptions): Promise<LinkSession> {
    return this.send<LinkSession>('POST', `/api/links/exchange`, { body, options });
  }

  /** Mail a new link to the address of a booking. `POST /api/links` */
  requestLink(body: LinkRequest, options?: RequestOptions): Promise<LinkRequested> {
    return this.send<LinkRequested>('POST', `/api/links`, { body, options });
  }

  /** End every link of a booking, and the sessions opened by them. `DELETE /api/bookings/{id}/links` */
  revokeLinks(id: string, options?: RequestOptions): Promise<LinksRevoked> {
    return this.send<LinksRevoked>('DELETE', `/api/bookings/${encodeURIComponent(id)}/links`, { options });
  }

  /** What this guest wants to hear, where and when. `GET /api/preferences` */
  getPreferences(options?: RequestOptions): Promise<PreferencesShown> {
    return this.send<PreferencesShown>('GET', `/api/preferences`, { options });
  }

  /** Choose it. `PUT /api/preferences` */
  putPreferences(body: PreferencesRequest, options?: RequestOptions): Promise<PreferencesShown> {
    return this.send<PreferencesShown>('PUT', `/api/preferences`, { body, options });
  }

  /** A person’s choice. `GET /api/users/{ref}/preferences` */
  getUserPreferences(ref: string, options?: RequestOptions): Promise<PreferencesShown> {
    return this.send<PreferencesShown>('GET', `/api/users/${encodeURIComponent(ref)}/preferences`, { options });
  }

  /** Choose for a person; `laravel` names the channels that your app uses itself. `PUT /api/users/{ref}/preferences` */
  putUserPreferences(ref: string, body: PreferencesRequest, options?: RequestOptions): Promise<PreferencesShown> {
    return this.send<PreferencesShown>('PUT', `/api/users/${encodeURIComponent(ref)}/preferences`, { body, options });
  }

  /** Notify this browser. `POST /api/push/subscriptions` */
  subscribePush(body: PushSubscriptionRequest, options?: RequestOptions): Promise<PushSubscribed> {
    return this.send<PushSubscribed>('POST', `/api/push/subscriptions`, { body, options });
  }

  /** Notify this browser no more. `DELETE /api/push/subscriptions/{subscription_id}` */
  unsubscribePush(subscription_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/push/subscriptions/${encodeURIComponent(subscription_id)}`, { options });
  }

  /** Make the page of this session installable, with its key. `POST /api/bookings/{id}/pairing` */
  pairInstall(id: string, options?: RequestOptions): Promise<Pairing> {
    return this.send<Pairing>('POST', `/api/bookings/${encodeURIComponent(id)}/pairing`, { options });
  }

  /** A calendar feed under a secret address that can be ended. `POST /api/calendars` */
  makeCalendar(body?: CalendarRequest, options?: RequestOptions): Promise<Calendar> {
    return this.send<Calendar>('POST', `/api/calendars`, { body, options });
  }

  /** Feeds that have not been ended. `GET /api/calendars` */
  listCalendars(options?: RequestOptions): Promise<CalendarList> {
    return this.send<CalendarList>('GET', `/api/calendars`, { options });
  }

  /** End a feed: its address answers no more. `DELETE /api/calendars/{calendar_id}` */
  endCalendar(calendar_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/calendars/${encodeURIComponent(calendar_id)}`, { options });
  }

  /** Hold alerts back for an hour, or as long as said. `POST /api/alerts/silences` */
  silenceAlerts(body?: SilenceRequest, options?: RequestOptions): Promise<Silence> {
    return this.send<Silence>('POST', `/api/alerts/silences`, { body, options });
  }

  /** Silences that have not ended. `GET /api/alerts/silences` */
  listSilences(options?: RequestOptions): Promise<SilenceList> {
    return this.send<SilenceList>('GET', `/api/alerts/silences`, { options });
  }

  /** End a silence; what waited goes now. `DELETE /api/alerts/silences/{silence_id}` */
  endSilence(silence_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/alerts/silences/${encodeURIComponent(silence_id)}`, { options });
  }

  /** Make or amend a booking. `PUT /api/bookings/{id}` */
  putBooking(id: string, body: BookingRequest, options?: RequestOptions): Promise<Booking> {
    return this.send<Booking>('PUT', `/api/bookings/${encodeURIComponent(id)}`, { body, options });
  }

  /** One booking. `GET /api/bookings/{id}` */
  getBooking(id: string, options?: RequestOptions): Promise<Booking> {
    return this.send<Booking>('GET', `/api/bookings/${encodeURIComponent(id)}`, { options });
  }

  /** Amend target, shots or constraints. `PATCH /api/bookings/{id}` */
  patchBooking(id: string, body: BookingAmendment, options?: RequestOptions): Promise<Booking> {
    return this.send<Booking>('PATCH', `/api/bookings/${encodeURIComponent(id)}`, { body, options });
  }

  /** Cancel a booking. `DELETE /api/bookings/{id}` */
  cancelBooking(id: string, query?: { requested_by?: "guest" | "operator" | null }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('DELETE', `/api/bookings/${encodeURIComponent(id)}`, { query, options });
  }

  /** Bookings, newest first. `GET /api/bookings` */
  listBookings(query?: { cursor?: string; per_page?: number; telescope_id?: string; user_ref?: string; phase?: "scheduled" | "preparing" | "prepared" | "starting" | "running" | "holding" | "finalising" | "completed" | "cancelled" | "aborted" | "weathered_out" | "failed"; access_state?: "upcoming" | "active" | "finished" | "cancelled"; from?: string; to?: string; target?: string; sort?: "newest" | "oldest" | "images" }, options?: RequestOptions): Promise<BookingPage> {
    return this.send<BookingPage>('GET', `/api/bookings`, { query, options });
  }

  /** Would this booking be taken, and what would it cost. `POST /api/bookings/check` */
  checkBooking(body: BookingCheckRequest, options?: RequestOptions): Promise<BookingCheck> {
    return this.send<BookingCheck>('POST', `/api/bookings/check`, { body, options });
  }

  /** Pause the session. `POST /api/bookings/{id}/pause` */
  pauseSession(id: string, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/bookings/${encodeURIComponent(id)}/pause`, { options });
  }

  /** Resume the session. `POST /api/bookings/{id}/resume` */
  resumeSession(id: string, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/bookings/${encodeURIComponent(id)}/resume`, { options });
  }

  /** Stop the session now. `POST /api/bookings/{id}/abort` */
  abortSession(id: string, body?: AbortRequest, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/bookings/${encodeURIComponent(id)}/abort`, { body, options });
  }

  /** Move the slot before the session starts. `POST /api/bookings/{id}/reschedule` */
  rescheduleBooking(id: string, body: RescheduleRequest, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/bookings/${encodeURIComponent(id)}/reschedule`, { body, options });
  }

  /** Give the session more time. `POST /api/bookings/{id}/extend` */
  extendBooking(id: string, body: ExtendRequest, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/bookings/${encodeURIComponent(id)}/extend`, { body, options });
  }

  /** The receipt of a command. `GET /api/bookings/{id}/commands/{command_id}` */
  getCommand(id: string, command_id: string, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('GET', `/api/bookings/${encodeURIComponent(id)}/commands/${encodeURIComponent(command_id)}`, { options });
  }

  /** All a page needs on joining. `GET /api/bookings/{id}/snapshot` */
  getSnapshot(id: string, options?: RequestOptions): Promise<Snapshot> {
    return this.send<Snapshot>('GET', `/api/bookings/${encodeURIComponent(id)}/snapshot`, { options });
  }

  /** Stored events after a sequence number. `GET /api/bookings/{id}/events` */
  listEvents(id: string, query?: { after?: number | null; limit?: number; type?: "control.updated" | "shot.progress" | "preview.ready" | "image.captured" | "image.measured" | "plan.progress" | "session.changed" | "receipt.changed" | "weather.alert" | "error.alert" | "log.appended" }, options?: RequestOptions): Promise<EventList> {
    return this.send<EventList>('GET', `/api/bookings/${encodeURIComponent(id)}/events`, { query, options });
  }

  /** The night log. `GET /api/bookings/{id}/logs` */
  listLogs(id: string, query?: { cursor?: string; per_page?: number; level?: "INFO" | "WARNING" | "ERROR"; order?: "newest" | "oldest"; source?: "night" | "voyager" }, options?: RequestOptions): Promise<LogPage> {
    return this.send<LogPage>('GET', `/api/bookings/${encodeURIComponent(id)}/logs`, { query, options });
  }

  /** Figures of the session so far. `GET /api/bookings/{id}/stats` */
  getStats(id: string, options?: RequestOptions): Promise<SessionStats> {
    return this.send<SessionStats>('GET', `/api/bookings/${encodeURIComponent(id)}/stats`, { options });
  }

  /** Series for graphs, down-sampled here. `GET /api/bookings/{id}/telemetry` */
  getTelemetry(id: string, query?: { series?: string; points?: number; from?: string; to?: string }, options?: RequestOptions): Promise<TelemetrySeries> {
    return this.send<TelemetrySeries>('GET', `/api/bookings/${encodeURIComponent(id)}/telemetry`, { query, options });
  }

  /** Where every second of the slot went, and what that means in credits. `GET /api/bookings/{id}/ledger` */
  getLedger(id: string, options?: RequestOptions): Promise<Ledger> {
    return this.send<Ledger>('GET', `/api/bookings/${encodeURIComponent(id)}/ledger`, { options });
  }

  /** The session report. `GET /api/bookings/{id}/report` */
  getReport(id: string, options?: RequestOptions): Promise<Report> {
    return this.send<Report>('GET', `/api/bookings/${encodeURIComponent(id)}/report`, { options });
  }

  /** The session report on paper. `GET /api/bookings/{id}/report.pdf` */
  getReportPdf(id: string, query?: { locale?: "fr" | "en" }, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/report.pdf`, { query, raw: true, options });
  }

  /** What was paid, held, kept and given back, by each transfer. `GET /api/bookings/{id}/credits` */
  getCredits(id: string, options?: RequestOptions): Promise<BookingCredits> {
    return this.send<BookingCredits>('GET', `/api/bookings/${encodeURIComponent(id)}/credits`, { options });
  }

  /** Give credits back by hand, beyond the rules. `POST /api/bookings/{id}/refunds` */
  refundCredits(id: string, body: RefundRequest, options?: RequestOptions): Promise<Settlement> {
    return this.send<Settlement>('POST', `/api/bookings/${encodeURIComponent(id)}/refunds`, { body, options });
  }

  /** Say that something is wrong with a frame, or with the night. `POST /api/bookings/{id}/complaints` */
  complain(id: string, body: ComplaintRequest, options?: RequestOptions): Promise<Complaint> {
    return this.send<Complaint>('POST', `/api/bookings/${encodeURIComponent(id)}/complaints`, { body, options });
  }

  /** Complaints about a session, and their answers. `GET /api/bookings/{id}/complaints` */
  listComplaints(id: string, options?: RequestOptions): Promise<ComplaintList> {
    return this.send<ComplaintList>('GET', `/api/bookings/${encodeURIComponent(id)}/complaints`, { options });
  }

  /** Images of a session. `GET /api/bookings/{id}/images` */
  listImages(id: string, query?: { cursor?: string; per_page?: number; type?: "LIGHT" | "BIAS" | "DARK" | "FLAT"; state?: "pending" | "archived" | "rejected" | "missing"; filter?: string; order?: "newest" | "oldest" }, options?: RequestOptions): Promise<ImagePage> {
    return this.send<ImagePage>('GET', `/api/bookings/${encodeURIComponent(id)}/images`, { query, options });
  }

  /** One image with header and histogram. `GET /api/bookings/{id}/images/{image_id}` */
  getImage(id: string, image_id: string, options?: RequestOptions): Promise<Image> {
    return this.send<Image>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}`, { options });
  }

  /** The night as an animated picture, 640 px. `GET /api/bookings/{id}/timelapse.webp` */
  getTimelapse(id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/timelapse.webp`, { raw: true, options });
  }

  /** Stretched preview at full size. `GET /api/bookings/{id}/images/{image_id}/full.jpg` */
  getFullPreview(id: string, image_id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}/full.jpg`, { raw: true, options });
  }

  /** Takes the images of a session out of the trash. `POST /api/bookings/{id}/images/restore` */
  restoreImages(id: string, options?: RequestOptions): Promise<{
    restored: number;
    fetched: number;
    lost: number;
  }> {
    return this.send<{
    restored: number;
    fetched: number;
    lost: number;
  }>('POST', `/api/bookings/${encodeURIComponent(id)}/images/restore`, { options });
  }

  /** The FITS file as it was archived. `GET /api/bookings/{id}/images/{image_id}/fits` */
  downloadFits(id: string, image_id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}/fits`, { raw: true, options });
  }

  /** Stretched preview, 1600 px. `GET /api/bookings/{id}/images/{image_id}/preview.jpg` */
  getPreview(id: string, image_id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}/preview.jpg`, { raw: true, options });
  }

  /** Thumbnail, 320 px. `GET /api/bookings/{id}/images/{image_id}/thumbnail.jpg` */
  getThumbnail(id: string, image_id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}/thumbnail.jpg`, { raw: true, options });
  }

  /** Reduced FITS for looking at in a browser. `GET /api/bookings/{id}/images/{image_id}/quicklook.fits` */
  getQuicklook(id: string, image_id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/images/${encodeURIComponent(image_id)}/quicklook.fits`, { raw: true, options });
  }

  /** All frames of a session as one ZIP. `GET /api/bookings/{id}/archive.zip` */
  downloadArchive(id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/archive.zip`, { raw: true, options });
  }

  /** The telescopes. `GET /api/telescopes` */
  listTelescopes(options?: RequestOptions): Promise<TelescopeList> {
    return this.send<TelescopeList>('GET', `/api/telescopes`, { options });
  }

  /** One telescope. `GET /api/telescopes/{id}` */
  getTelescope(id: string, options?: RequestOptions): Promise<PublicTelescope | Telescope> {
    return this.send<PublicTelescope | Telescope>('GET', `/api/telescopes/${encodeURIComponent(id)}`, { options });
  }

  /** Make or change a telescope. `PUT /api/telescopes/{id}` */
  putTelescope(id: string, body: Telescope, options?: RequestOptions): Promise<Telescope> {
    return this.send<Telescope>('PUT', `/api/telescopes/${encodeURIComponent(id)}`, { body, options });
  }

  /** What Voyager says of the telescope, with ages. `GET /api/telescopes/{id}/state` */
  getTelescopeState(id: string, options?: RequestOptions): Promise<TelescopeState> {
    return this.send<TelescopeState>('GET', `/api/telescopes/${encodeURIComponent(id)}/state`, { options });
  }

  /** Free nights and taken slots. `GET /api/telescopes/{id}/availability` */
  getAvailability(id: string, query?: { from?: string; to?: string }, options?: RequestOptions): Promise<Availability> {
    return this.send<Availability>('GET', `/api/telescopes/${encodeURIComponent(id)}/availability`, { query, options });
  }

  /** A target’s way over the site’s sky in one night. `GET /api/telescopes/{id}/visibility` */
  getVisibility(id: string, query: { ra_hours: string; dec_degrees: string; date?: string; from?: string; to?: string; min_altitude_degrees?: number | null; hour_angle_start_hours?: number | null; hour_angle_end_hours?: number | null }, options?: RequestOptions): Promise<Visibility> {
    return this.send<Visibility>('GET', `/api/telescopes/${encodeURIComponent(id)}/visibility`, { query, options });
  }

  /** Take a telescope out of service for a while. `POST /api/telescopes/{id}/maintenance` */
  startMaintenance(id: string, body: Maintenance, options?: RequestOptions): Promise<MaintenanceEntered> {
    return this.send<MaintenanceEntered>('POST', `/api/telescopes/${encodeURIComponent(id)}/maintenance`, { body, options });
  }

  /** Maintenance windows, present and to come. `GET /api/telescopes/{id}/maintenance` */
  listMaintenance(id: string, options?: RequestOptions): Promise<MaintenanceList> {
    return this.send<MaintenanceList>('GET', `/api/telescopes/${encodeURIComponent(id)}/maintenance`, { options });
  }

  /** End a maintenance window now. `DELETE /api/telescopes/{id}/maintenance/{maintenance_id}` */
  endMaintenance(id: string, maintenance_id: string, options?: RequestOptions): Promise<MaintenanceWindow> {
    return this.send<MaintenanceWindow>('DELETE', `/api/telescopes/${encodeURIComponent(id)}/maintenance/${encodeURIComponent(maintenance_id)}`, { options });
  }

  /** Halt everything that moves, at once. `POST /api/telescopes/{id}/halt` */
  haltTelescope(id: string, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/telescopes/${encodeURIComponent(id)}/halt`, { options });
  }

  /** Voyager’s emergency is over, though nobody heard it say so. `POST /api/telescopes/{id}/emergency-over` */
  endEmergency(id: string, options?: RequestOptions): Promise<EmergencyOver> {
    return this.send<EmergencyOver>('POST', `/api/telescopes/${encodeURIComponent(id)}/emergency-over`, { options });
  }

  /** A signed token for a browser. `POST /api/tokens` */
  makeToken(body: TokenRequest, options?: RequestOptions): Promise<Token> {
    return this.send<Token>('POST', `/api/tokens`, { body, options });
  }

  /** Tokens that have not expired. `GET /api/tokens` */
  listTokens(query?: { kind?: "booking" | "user" | "admin"; subject?: string }, options?: RequestOptions): Promise<TokenList> {
    return this.send<TokenList>('GET', `/api/tokens`, { query, options });
  }

  /** Revoke a token everywhere within a second. `DELETE /api/tokens/{token_id}` */
  revokeToken(token_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/tokens/${encodeURIComponent(token_id)}`, { options });
  }

  /** A named server key. `POST /api/keys` */
  makeKey(body: ApiKeyRequest, options?: RequestOptions): Promise<ApiKeyMade> {
    return this.send<ApiKeyMade>('POST', `/api/keys`, { body, options });
  }

  /** Server keys, without their values. `GET /api/keys` */
  listKeys(options?: RequestOptions): Promise<ApiKeyList> {
    return this.send<ApiKeyList>('GET', `/api/keys`, { options });
  }

  /** A successor for a key with its scopes, telescopes and expiry; the old one ends after the overlap. `POST /api/keys/{key_id}/rotate` */
  rotateKey(key_id: string, body?: KeyRotation, options?: RequestOptions): Promise<ApiKeyMade> {
    return this.send<ApiKeyMade>('POST', `/api/keys/${encodeURIComponent(key_id)}/rotate`, { body, options });
  }

  /** Revoke a server key, with every key, operator and token that it made. `DELETE /api/keys/{key_id}` */
  revokeKey(key_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/keys/${encodeURIComponent(key_id)}`, { options });
  }

  /** Signature for a private or presence channel, or for several at once. `POST /broadcasting/auth` */
  authoriseChannel(body: {
    socket_id: string;
    channel_name: string | string[];
  }, options?: RequestOptions): Promise<ChannelAuth | ChannelAuths> {
    return this.send<ChannelAuth | ChannelAuths>('POST', `/broadcasting/auth`, { body, options });
  }

  /** Invite somebody to work at the observatory. `POST /api/admin/operators` */
  inviteOperator(body: OperatorRequest, options?: RequestOptions): Promise<OperatorInvited> {
    return this.send<OperatorInvited>('POST', `/api/admin/operators`, { body, options });
  }

  /** Operators with their passkeys and open sessions. `GET /api/admin/operators` */
  listOperators(options?: RequestOptions): Promise<OperatorList> {
    return this.send<OperatorList>('GET', `/api/admin/operators`, { options });
  }

  /** Another link for a lost or a further device; the one before ends. `POST /api/admin/operators/{operator_id}/invitation` */
  inviteOperatorAgain(operator_id: string, options?: RequestOptions): Promise<OperatorInvitation> {
    return this.send<OperatorInvitation>('POST', `/api/admin/operators/${encodeURIComponent(operator_id)}/invitation`, { options });
  }

  /** End an operator’s access, with passkeys and sessions, within a second. `DELETE /api/admin/operators/{operator_id}` */
  endOperator(operator_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/admin/operators/${encodeURIComponent(operator_id)}`, { options });
  }

  /** Remove a passkey, and end every session of the operator but the one that asks. `DELETE /api/admin/operators/{operator_id}/passkeys/{passkey_id}` */
  removePasskey(operator_id: string, passkey_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/admin/operators/${encodeURIComponent(operator_id)}/passkeys/${encodeURIComponent(passkey_id)}`, { options });
  }

  /** End a session, one’s own to sign out. `DELETE /api/admin/operators/{operator_id}/sessions/{session_id}` */
  endOperatorSession(operator_id: string, session_id: string, options?: RequestOptions): Promise<void> {
    return this.send<void>('DELETE', `/api/admin/operators/${encodeURIComponent(operator_id)}/sessions/${encodeURIComponent(session_id)}`, { options });
  }

  /** What a browser needs to make the passkey of an invitation. `POST /api/passkeys/options` */
  getPasskeyOptions(body: PasskeyOptionsRequest, options?: RequestOptions): Promise<PasskeyOptions> {
    return this.send<PasskeyOptions>('POST', `/api/passkeys/options`, { body, options });
  }

  /** Enrol a passkey with an invitation, and sign in. `POST /api/passkeys` */
  makePasskey(body: PasskeyRequest, options?: RequestOptions): Promise<SignedIn> {
    return this.send<SignedIn>('POST', `/api/passkeys`, { body, options });
  }

  /** A challenge for a passkey. `POST /api/login/options` */
  getLoginOptions(options?: RequestOptions): Promise<LoginOptions> {
    return this.send<LoginOptions>('POST', `/api/login/options`, { options });
  }

  /** Sign in with a passkey. `POST /api/login` */
  login(body: LoginRequest, options?: RequestOptions): Promise<SignedIn> {
    return this.send<SignedIn>('POST', `/api/login`, { body, options });
  }

  /** All that is kept about a person. `GET /api/users/{ref}` */
  exportUser(ref: string, options?: RequestOptions): Promise<PersonExport> {
    return this.send<PersonExport>('GET', `/api/users/${encodeURIComponent(ref)}`, { options });
  }

  /** Erase a person. `DELETE /api/users/{ref}` */
  eraseUser(ref: string, options?: RequestOptions): Promise<Erasure> {
    return this.send<Erasure>('DELETE', `/api/users/${encodeURIComponent(ref)}`, { options });
  }

  /** What the existing Laravel page shows, in one body. `GET /api/dashboard/state` */
  dashboardState(query?: { telescope?: string; setGuid?: string; targetGuid?: string }, options?: RequestOptions): Promise<DashboardState> {
    return this.send<DashboardState>('GET', `/api/dashboard/state`, { query, options });
  }

  /** Stop what this service started on the telescope. `POST /api/control/abort` */
  dropInAbort(body?: DropInAbort, query?: { telescope?: string | null }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/control/abort`, { body, query, options });
  }

  /** Enable or disable a RoboTarget object. `POST /api/control/toggle` */
  dropInToggle(body: DropInToggle, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/control/toggle`, { body, query, options });
  }

  /** The newest picture as a data URL. `GET /api/camera/preview` */
  cameraPreview(query?: { telescope?: string }, options?: RequestOptions): Promise<CameraPreview> {
    return this.send<CameraPreview>('GET', `/api/camera/preview`, { query, options });
  }

  /** The link to Voyager. `GET /api/status/connection` */
  connectionStatus(query?: { telescope?: string }, options?: RequestOptions): Promise<ConnectionState> {
    return this.send<ConnectionState>('GET', `/api/status/connection`, { query, options });
  }

  /** The sequence that runs. `GET /api/sequences/current` */
  currentSequence(query?: { telescope?: string }, options?: RequestOptions): Promise<CurrentSequence> {
    return this.send<CurrentSequence>('GET', `/api/sequences/current`, { query, options });
  }

  /** Pause the running session. `POST /api/sequences/pause` */
  pauseSequence(query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/sequences/pause`, { query, options });
  }

  /** Resume the running session. `POST /api/sequences/resume` */
  resumeSequence(query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/sequences/resume`, { query, options });
  }

  /** The newest live picture of a running session. `GET /api/bookings/{id}/preview.jpg` */
  livePreview(id: string, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/bookings/${encodeURIComponent(id)}/preview.jpg`, { raw: true, options });
  }

  /** Recent series of the live graphs, from the gateway’s memory. `GET /api/bookings/{id}/history` */
  liveHistory(id: string, options?: RequestOptions): Promise<LiveHistory> {
    return this.send<LiveHistory>('GET', `/api/bookings/${encodeURIComponent(id)}/history`, { options });
  }

  /** List sets. `GET /api/robotarget/sets` */
  listSets(query?: { telescope?: string }, options?: RequestOptions): Promise<SetList> {
    return this.send<SetList>('GET', `/api/robotarget/sets`, { query, options });
  }

  /** Make a set. `POST /api/robotarget/sets` */
  createSet(body: SetRequest, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('POST', `/api/robotarget/sets`, { body, query, options });
  }

  /** One set. `GET /api/robotarget/sets/{guid}` */
  getSet(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.send<Record<string, unknown>>('GET', `/api/robotarget/sets/${encodeURIComponent(guid)}`, { query, options });
  }

  /** Change a set. `PUT /api/robotarget/sets/{guid}` */
  updateSet(guid: string, body: SetChanges, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('PUT', `/api/robotarget/sets/${encodeURIComponent(guid)}`, { body, query, options });
  }

  /** Delete a set. `DELETE /api/robotarget/sets/{guid}` */
  deleteSet(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('DELETE', `/api/robotarget/sets/${encodeURIComponent(guid)}`, { query, options });
  }

  /** List targets. `GET /api/robotarget/targets` */
  listTargets(query?: { telescope?: string; setGuid?: string }, options?: RequestOptions): Promise<TargetList> {
    return this.send<TargetList>('GET', `/api/robotarget/targets`, { query, options });
  }

  /** Make a target. `POST /api/robotarget/targets` */
  createTarget(body: TargetRequest, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('POST', `/api/robotarget/targets`, { body, query, options });
  }

  /** One target. `GET /api/robotarget/targets/{guid}` */
  getTarget(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.send<Record<string, unknown>>('GET', `/api/robotarget/targets/${encodeURIComponent(guid)}`, { query, options });
  }

  /** Change a target. `PUT /api/robotarget/targets/{guid}` */
  updateTarget(guid: string, body: TargetChanges, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('PUT', `/api/robotarget/targets/${encodeURIComponent(guid)}`, { body, query, options });
  }

  /** Delete a target. `DELETE /api/robotarget/targets/{guid}` */
  deleteTarget(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('DELETE', `/api/robotarget/targets/${encodeURIComponent(guid)}`, { query, options });
  }

  /** Activate a target. `POST /api/robotarget/targets/{guid}/activate` */
  activateTarget(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/robotarget/targets/${encodeURIComponent(guid)}/activate`, { query, options });
  }

  /** Deactivate a target. `POST /api/robotarget/targets/{guid}/deactivate` */
  deactivateTarget(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('POST', `/api/robotarget/targets/${encodeURIComponent(guid)}/deactivate`, { query, options });
  }

  /** List shots. `GET /api/robotarget/shots` */
  listShots(query: { telescope?: string; targetGuid: string }, options?: RequestOptions): Promise<ShotList> {
    return this.send<ShotList>('GET', `/api/robotarget/shots`, { query, options });
  }

  /** Make a shot. `POST /api/robotarget/shots` */
  createShot(body: ShotRequest, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('POST', `/api/robotarget/shots`, { body, query, options });
  }

  /** One shot. `GET /api/robotarget/shots/{guid}` */
  getShot(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.send<Record<string, unknown>>('GET', `/api/robotarget/shots/${encodeURIComponent(guid)}`, { query, options });
  }

  /** Change a shot. `PUT /api/robotarget/shots/{guid}` */
  updateShot(guid: string, body: ShotChanges, query?: { telescope?: string }, options?: RequestOptions): Promise<Record<string, unknown> | Receipt> {
    return this.send<Record<string, unknown> | Receipt>('PUT', `/api/robotarget/shots/${encodeURIComponent(guid)}`, { body, query, options });
  }

  /** Delete a shot. `DELETE /api/robotarget/shots/{guid}` */
  deleteShot(guid: string, query?: { telescope?: string }, options?: RequestOptions): Promise<Receipt> {
    return this.send<Receipt>('DELETE', `/api/robotarget/shots/${encodeURIComponent(guid)}`, { query, options });
  }

  /** What was, is, or could not be delivered. `GET /api/webhooks/deliveries` */
  listDeliveries(query?: { cursor?: string; per_page?: number; state?: "waiting" | "delivered" | "dead" | "not_sent"; channel?: "webhook" | "email" | "push" | "chat" | "operator"; booking_id?: string; type?: "booking.accepted" | "session.prepared" | "session.starting_soon" | "session.started" | "session.paused" | "session.resumed" | "session.extended" | "session.rescheduled" | "session.cancelled" | "session.aborted" | "session.weathered_out" | "session.failed" | "session.completed" | "image.captured" | "images.digest" | "images.expiring" | "control.confirmed" | "control.refused" | "credits.settled" | "complaint.answered" | "error.occurred" | "operator.health" | "link.requested" }, options?: RequestOptions): Promise<DeliveryPage> {
    return this.send<DeliveryPage>('GET', `/api/webhooks/deliveries`, { query, options });
  }

  /** One delivery with its attempts. `GET /api/webhooks/deliveries/{delivery_id}` */
  getDelivery(delivery_id: string, options?: RequestOptions): Promise<DeliveryDetail> {
    return this.send<DeliveryDetail>('GET', `/api/webhooks/deliveries/${encodeURIComponent(delivery_id)}`, { options });
  }

  /** Deliver again, with the same id. `POST /api/webhooks/deliveries/{delivery_id}/replay` */
  replayDelivery(delivery_id: string, options?: RequestOptions): Promise<Delivery> {
    return this.send<Delivery>('POST', `/api/webhooks/deliveries/${encodeURIComponent(delivery_id)}/replay`, { options });
  }

  /** Deliver again all that is dead, or all of a booking. `POST /api/webhooks/replay` */
  replayDeliveries(body: ReplayRequest, options?: RequestOptions): Promise<ReplayResult> {
    return this.send<ReplayResult>('POST', `/api/webhooks/replay`, { body, options });
  }

  /** Use, hours, images, money, success and problems. `GET /api/admin/analytics` */
  analytics(query?: { from?: string; to?: string; telescope_id?: string }, options?: RequestOptions): Promise<Analytics> {
    return this.send<Analytics>('GET', `/api/admin/analytics`, { query, options });
  }

  /** The same figures, a line for each session. `GET /api/admin/analytics.csv` */
  analyticsCsv(query?: { from?: string; to?: string; telescope_id?: string }, options?: RequestOptions): Promise<Response> {
    return this.send<Response>('GET', `/api/admin/analytics.csv`, { query, raw: true, options });
  }

  /** Complaints of guests, newest first. `GET /api/admin/complaints` */
  allComplaints(query?: { cursor?: string; per_page?: number; state?: "open" | "answered" }, options?: RequestOptions): Promise<ComplaintPage> {
    return this.send<ComplaintPage>('GET', `/api/admin/complaints`, { query, options });
  }

  /** Answer a complaint, and give credits back with it where that is due. `POST /api/complaints/{complaint_id}/answer` */
  answerComplaint(complaint_id: string, body: ComplaintAnswer, options?: RequestOptions): Promise<Complaint> {
    return this.send<Complaint>('POST', `/api/complaints/${encodeURIComponent(complaint_id)}/answer`, { body, options });
  }

  /** Who did what. `GET /api/admin/audit` */
  listAudit(query?: { cursor?: string; per_page?: number; booking_id?: string; action?: string }, options?: RequestOptions): Promise<AuditPage> {
    return this.send<AuditPage>('GET', `/api/admin/audit`, { query, options });
  }

  /** All telescopes at a glance. `GET /api/admin/overview` */
  adminOverview(options?: RequestOptions): Promise<AdminOverview> {
    return this.send<AdminOverview>('GET', `/api/admin/overview`, { options });
  }
}
