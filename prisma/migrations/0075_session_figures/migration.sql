-- Figures of sessions: what the report, the admin's page and the CSV count, each defined once, in the comments of the view below.
CREATE TABLE "session_figures" (
  "booking_id" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "starts_at" TIMESTAMPTZ(3) NOT NULL,
  "outcome" TEXT,
  "booked_seconds" INTEGER NOT NULL,
  "session_seconds" INTEGER,
  "unsafe_seconds" INTEGER NOT NULL,
  "outage_seconds" INTEGER NOT NULL,
  "foreign_seconds" INTEGER NOT NULL,
  "weather_hold_seconds" INTEGER NOT NULL,
  "user_pause_seconds" INTEGER NOT NULL,
  "imaging_seconds" INTEGER NOT NULL,
  "overhead_seconds" INTEGER NOT NULL,
  "other_seconds" INTEGER NOT NULL,
  "frames_archived" INTEGER NOT NULL,
  "frames_rejected" INTEGER NOT NULL,
  "frames_missing" INTEGER NOT NULL,
  "frames_pending" INTEGER NOT NULL,
  "charged_hundredths" INTEGER,
  "refund_hundredths" INTEGER,
  "currency" TEXT,
  "revenue_minor" BIGINT,
  "causes" TEXT[] NOT NULL,
  CONSTRAINT "session_figures_pkey" PRIMARY KEY ("booking_id"),
  CONSTRAINT "session_figures_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE CASCADE
);
CREATE INDEX "session_figures_starts_at_idx" ON "session_figures" ("starts_at");
CREATE INDEX "session_figures_telescope_id_starts_at_idx" ON "session_figures" ("telescope_id", "starts_at");
-- When the figures of a session were last kept; null while it runs, and where its rows changed since.
ALTER TABLE "sessions" ADD COLUMN "figured_at" TIMESTAMPTZ(3);
CREATE INDEX "sessions_not_figured" ON "sessions" ("booking_id") WHERE "figured_at" IS NULL;

CREATE VIEW "session_figures_now" AS
  SELECT b.id AS booking_id, b.telescope_id, b.starts_at, s.outcome,
    round(extract(epoch FROM b.ends_at - b.starts_at))::int AS booked_seconds,
    round(extract(epoch FROM s.session_ended_at - s.session_started_at))::int AS session_seconds,
    coalesce(l.unsafe, 0) AS unsafe_seconds, coalesce(l.outage, 0) AS outage_seconds, coalesce(l."foreign", 0) AS foreign_seconds,
    coalesce(l.weather_hold, 0) AS weather_hold_seconds, coalesce(l.user_pause, 0) AS user_pause_seconds,
    coalesce(l.imaging, 0) AS imaging_seconds, coalesce(l.overhead, 0) AS overhead_seconds, coalesce(l.other, 0) AS other_seconds,
    f.archived AS frames_archived, f.rejected AS frames_rejected, f.missing AS frames_missing, f.pending AS frames_pending,
    x.charged_hundredths, x.refund_hundredths,
    b.credits #>> '{price,currency}' AS currency,
    CASE WHEN x.charged_hundredths > 0 THEN round((b.credits #>> '{price,amount_minor}')::numeric
      * (x.charged_hundredths - x.refund_hundredths) / x.charged_hundredths)::bigint END AS revenue_minor,
    coalesce(l.causes, '{}') AS causes
  FROM bookings b JOIN sessions s ON s.booking_id = b.id
  LEFT JOIN LATERAL (
    SELECT (sum(n) FILTER (WHERE class = 'unsafe'))::int AS unsafe, (sum(n) FILTER (WHERE class = 'outage'))::int AS outage,
      (sum(n) FILTER (WHERE class = 'foreign'))::int AS "foreign", (sum(n) FILTER (WHERE class = 'weather_hold'))::int AS weather_hold,
      (sum(n) FILTER (WHERE class = 'user_pause'))::int AS user_pause, (sum(n) FILTER (WHERE class = 'imaging'))::int AS imaging,
      (sum(n) FILTER (WHERE class = 'overhead'))::int AS overhead, (sum(n) FILTER (WHERE class = 'other'))::int AS other,
      array_agg(cause ORDER BY starts_at) FILTER (WHERE cause IS NOT NULL AND class IN ('unsafe', 'outage', 'foreign', 'weather_hold')) AS causes
    FROM (SELECT class, cause, starts_at, round(extract(epoch FROM ends_at - starts_at)) AS n FROM ledger_intervals WHERE booking_id = b.id) i
  ) l ON true
  LEFT JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE state = 'archived'))::int AS archived, (count(*) FILTER (WHERE state = 'rejected'))::int AS rejected,
      (count(*) FILTER (WHERE state = 'missing'))::int AS missing, (count(*) FILTER (WHERE state = 'pending'))::int AS pending
    FROM frames WHERE booking_id = b.id
  ) f ON true
  LEFT JOIN LATERAL (
    SELECT t.charged_hundredths, t.refund_hundredths FROM settlements t WHERE t.booking_id = b.id ORDER BY t.position DESC LIMIT 1
  ) x ON true;
COMMENT ON VIEW "session_figures_now" IS 'One row for each booking with a session, counted from its rows as they are now.';
COMMENT ON COLUMN "session_figures_now"."booked_seconds" IS 'The slot, from start to end.';
COMMENT ON COLUMN "session_figures_now"."session_seconds" IS 'From the start of the session to its end; null where it did not begin or has not ended.';
COMMENT ON COLUMN "session_figures_now"."imaging_seconds" IS 'Seconds of the ledger under an exposure; the other classes alike (docs/credits.md).';
COMMENT ON COLUMN "session_figures_now"."frames_archived" IS 'Frames that stand in the archive; rejected, missing and pending alike.';
COMMENT ON COLUMN "session_figures_now"."charged_hundredths" IS 'Hundredths of a credit that the settlement in force charges; null while the night is not settled.';
COMMENT ON COLUMN "session_figures_now"."refund_hundredths" IS 'Of these what was given back, by rule and by hand.';
COMMENT ON COLUMN "session_figures_now"."revenue_minor" IS 'The price less the share that was given back, in the smallest unit of its currency; null while the night is not settled.';
COMMENT ON COLUMN "session_figures_now"."causes" IS 'The reason of each interval of the ledger that weather, a fault or somebody else took.';

-- Kept for sessions that are over, counted at once for the others.
CREATE VIEW "analytics_sessions" AS
  SELECT * FROM "session_figures"
  UNION ALL
  SELECT n.* FROM sessions s JOIN "session_figures_now" n ON n.booking_id = s.booking_id WHERE s.figured_at IS NULL;
COMMENT ON VIEW "analytics_sessions" IS 'Utilisation = sum(imaging_seconds) / sum(booked_seconds) of bookings that were not cancelled. Success = completed / (completed + aborted + failed): cancelled and weathered_out sessions are counted apart. Mean session = avg(session_seconds). Revenue = sum(revenue_minor) of settled nights. Frequent problems = causes, counted.';

-- Keeps the figures of one session; called in the transaction that changes them.
CREATE FUNCTION keep_session_figures(id TEXT) RETURNS void LANGUAGE sql AS $$
  DELETE FROM session_figures WHERE booking_id = $1;
  INSERT INTO session_figures SELECT * FROM session_figures_now WHERE booking_id = $1;
  UPDATE sessions SET figured_at = now() WHERE booking_id = $1;
$$;
SELECT keep_session_figures(r.booking_id) FROM "reports" r JOIN "sessions" s ON s.booking_id = r.booking_id WHERE s.outcome IS NOT NULL;
