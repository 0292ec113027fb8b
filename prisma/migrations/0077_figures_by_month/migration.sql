-- Sums of session_figures by month, so that years of sessions are a few hundred rows. Triggers keep them in the transaction that changes a session's
-- figures, whoever changes them: months and sessions never say two things.
CREATE TABLE "figures_by_month" (
  "month" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "currency" TEXT NOT NULL,
  "n" BIGINT NOT NULL,
  "lasting" BIGINT NOT NULL,
  "settled" BIGINT NOT NULL,
  "booked_seconds" BIGINT NOT NULL,
  "session_seconds" BIGINT NOT NULL,
  "unsafe_seconds" BIGINT NOT NULL,
  "outage_seconds" BIGINT NOT NULL,
  "foreign_seconds" BIGINT NOT NULL,
  "weather_hold_seconds" BIGINT NOT NULL,
  "user_pause_seconds" BIGINT NOT NULL,
  "imaging_seconds" BIGINT NOT NULL,
  "overhead_seconds" BIGINT NOT NULL,
  "other_seconds" BIGINT NOT NULL,
  "frames_archived" BIGINT NOT NULL,
  "frames_rejected" BIGINT NOT NULL,
  "frames_missing" BIGINT NOT NULL,
  "frames_pending" BIGINT NOT NULL,
  "charged_hundredths" BIGINT NOT NULL,
  "refund_hundredths" BIGINT NOT NULL,
  "revenue_minor" BIGINT NOT NULL,
  CONSTRAINT "figures_by_month_pkey" PRIMARY KEY ("month", "telescope_id", "outcome", "currency")
);
COMMENT ON TABLE "figures_by_month" IS 'Sums of session_figures by UTC month of the booking''s start, telescope, outcome and currency (empty where there is none). n counts sessions, lasting those with a duration, settled those with a settlement.';
CREATE TABLE "causes_by_month" (
  "month" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "cause" TEXT NOT NULL,
  "n" BIGINT NOT NULL,
  CONSTRAINT "causes_by_month_pkey" PRIMARY KEY ("month", "telescope_id", "cause")
);
COMMENT ON TABLE "causes_by_month" IS 'How often each cause stands in session_figures.causes, by UTC month of the booking''s start and telescope.';

-- Adds the rows that a statement wrote (argument 1), or takes away those that it removed (-1). Rows are taken in one order, so that two settlements wait
-- for each other and never in a circle.
CREATE FUNCTION sum_figures_by_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sign INTEGER := TG_ARGV[0]::int;
BEGIN
  INSERT INTO figures_by_month AS f (month, telescope_id, outcome, currency, n, lasting, settled, booked_seconds, session_seconds, unsafe_seconds, outage_seconds, foreign_seconds, weather_hold_seconds, user_pause_seconds, imaging_seconds, overhead_seconds, other_seconds, frames_archived, frames_rejected, frames_missing, frames_pending, charged_hundredths, refund_hundredths, revenue_minor)
    SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM'), telescope_id, coalesce(outcome, ''), coalesce(currency, ''),
      sign * count(*), sign * count(session_seconds), sign * count(charged_hundredths),
      sign * coalesce(sum(booked_seconds), 0),
      sign * coalesce(sum(session_seconds), 0),
      sign * coalesce(sum(unsafe_seconds), 0),
      sign * coalesce(sum(outage_seconds), 0),
      sign * coalesce(sum(foreign_seconds), 0),
      sign * coalesce(sum(weather_hold_seconds), 0),
      sign * coalesce(sum(user_pause_seconds), 0),
      sign * coalesce(sum(imaging_seconds), 0),
      sign * coalesce(sum(overhead_seconds), 0),
      sign * coalesce(sum(other_seconds), 0),
      sign * coalesce(sum(frames_archived), 0),
      sign * coalesce(sum(frames_rejected), 0),
      sign * coalesce(sum(frames_missing), 0),
      sign * coalesce(sum(frames_pending), 0),
      sign * coalesce(sum(charged_hundredths), 0),
      sign * coalesce(sum(refund_hundredths), 0),
      sign * coalesce(sum(revenue_minor), 0)
    FROM changed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (month, telescope_id, outcome, currency) DO UPDATE SET
    n = f.n + excluded.n,
    lasting = f.lasting + excluded.lasting,
    settled = f.settled + excluded.settled,
    booked_seconds = f.booked_seconds + excluded.booked_seconds,
    session_seconds = f.session_seconds + excluded.session_seconds,
    unsafe_seconds = f.unsafe_seconds + excluded.unsafe_seconds,
    outage_seconds = f.outage_seconds + excluded.outage_seconds,
    foreign_seconds = f.foreign_seconds + excluded.foreign_seconds,
    weather_hold_seconds = f.weather_hold_seconds + excluded.weather_hold_seconds,
    user_pause_seconds = f.user_pause_seconds + excluded.user_pause_seconds,
    imaging_seconds = f.imaging_seconds + excluded.imaging_seconds,
    overhead_seconds = f.overhead_seconds + excluded.overhead_seconds,
    other_seconds = f.other_seconds + excluded.other_seconds,
    frames_archived = f.frames_archived + excluded.frames_archived,
    frames_rejected = f.frames_rejected + excluded.frames_rejected,
    frames_missing = f.frames_missing + excluded.frames_missing,
    frames_pending = f.frames_pending + excluded.frames_pending,
    charged_hundredths = f.charged_hundredths + excluded.charged_hundredths,
    refund_hundredths = f.refund_hundredths + excluded.refund_hundredths,
    revenue_minor = f.revenue_minor + excluded.revenue_minor;
  INSERT INTO causes_by_month AS c (month, telescope_id, cause, n)
    SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM'), telescope_id, cause, sign * count(*)
    FROM changed, unnest(causes) AS cause GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (month, telescope_id, cause) DO UPDATE SET n = c.n + excluded.n;
  RETURN NULL;
END $$;
CREATE TRIGGER figures_by_month_insert AFTER INSERT ON "session_figures"
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sum_figures_by_month('1');
CREATE TRIGGER figures_by_month_delete AFTER DELETE ON "session_figures"
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sum_figures_by_month('-1');
CREATE TRIGGER figures_by_month_update_old AFTER UPDATE ON "session_figures"
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sum_figures_by_month('-1');
CREATE TRIGGER figures_by_month_update_new AFTER UPDATE ON "session_figures"
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sum_figures_by_month('1');

-- Rows are deleted, since whoever truncates everything holds these tables too.
CREATE FUNCTION empty_figures_by_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM figures_by_month;
  DELETE FROM causes_by_month;
  RETURN NULL;
END $$;
CREATE TRIGGER figures_by_month_truncate AFTER TRUNCATE ON "session_figures" FOR EACH STATEMENT EXECUTE FUNCTION empty_figures_by_month();

-- What is kept already.
WITH kept AS (SELECT *, to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM "session_figures")
INSERT INTO figures_by_month (month, telescope_id, outcome, currency, n, lasting, settled, booked_seconds, session_seconds, unsafe_seconds, outage_seconds, foreign_seconds, weather_hold_seconds, user_pause_seconds, imaging_seconds, overhead_seconds, other_seconds, frames_archived, frames_rejected, frames_missing, frames_pending, charged_hundredths, refund_hundredths, revenue_minor)
  SELECT month, telescope_id, coalesce(outcome, ''), coalesce(currency, ''), count(*), count(session_seconds), count(charged_hundredths),
    coalesce(sum(booked_seconds), 0),
    coalesce(sum(session_seconds), 0),
    coalesce(sum(unsafe_seconds), 0),
    coalesce(sum(outage_seconds), 0),
    coalesce(sum(foreign_seconds), 0),
    coalesce(sum(weather_hold_seconds), 0),
    coalesce(sum(user_pause_seconds), 0),
    coalesce(sum(imaging_seconds), 0),
    coalesce(sum(overhead_seconds), 0),
    coalesce(sum(other_seconds), 0),
    coalesce(sum(frames_archived), 0),
    coalesce(sum(frames_rejected), 0),
    coalesce(sum(frames_missing), 0),
    coalesce(sum(frames_pending), 0),
    coalesce(sum(charged_hundredths), 0),
    coalesce(sum(refund_hundredths), 0),
    coalesce(sum(revenue_minor), 0)
  FROM kept GROUP BY 1, 2, 3, 4;
INSERT INTO causes_by_month (month, telescope_id, cause, n)
  SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM'), telescope_id, cause, count(*) FROM "session_figures", unnest(causes) AS cause GROUP BY 1, 2, 3;
