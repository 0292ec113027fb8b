-- The first schema. Made by hand where Prisma has no word for it: btree_gist and the exclusion constraint.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE "telescopes" (
  "id" TEXT NOT NULL,
  "config" JSONB NOT NULL,
  "file_hash" TEXT,
  "version" INTEGER NOT NULL DEFAULT 1,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "telescopes_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "maintenance" (
  "id" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "from_at" TIMESTAMPTZ(3) NOT NULL,
  "to_at" TIMESTAMPTZ(3) NOT NULL,
  "reason" TEXT NOT NULL,
  "bookings" TEXT NOT NULL,
  "ended_at" TIMESTAMPTZ(3),
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "maintenance_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "maintenance_telescope_id_to_at_idx" ON "maintenance" ("telescope_id", "to_at");

CREATE TABLE "users" (
  "ref" TEXT NOT NULL,
  "display_name" TEXT,
  "email" TEXT,
  "locale" TEXT NOT NULL DEFAULT 'fr',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "erase_at" TIMESTAMPTZ(3),
  "erased_at" TIMESTAMPTZ(3),
  CONSTRAINT "users_pkey" PRIMARY KEY ("ref")
);

CREATE TABLE "bookings" (
  "id" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "starts_at" TIMESTAMPTZ(3) NOT NULL,
  "ends_at" TIMESTAMPTZ(3) NOT NULL,
  "blocked_until" TIMESTAMPTZ(3) NOT NULL,
  "occupies" BOOLEAN NOT NULL DEFAULT true,
  "user_ref" TEXT NOT NULL,
  "target" JSONB NOT NULL,
  "shots" JSONB NOT NULL,
  "constraints" JSONB NOT NULL,
  "credits" JSONB NOT NULL,
  "rebooked_from" TEXT,
  "body_hash" TEXT NOT NULL,
  "generation" INTEGER NOT NULL DEFAULT 0,
  "version" INTEGER NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "charged_hundredths" INTEGER NOT NULL GENERATED ALWAYS AS
  (least(greatest(round(coalesce(("credits"->>'charged')::numeric, 0) * 100), 0), 2000000000)::int) STORED,
  CONSTRAINT "bookings_pkey" PRIMARY KEY ("id"),
  -- Two bookings of one telescope never overlap, turnaround included; who races here loses with 23P01.
  CONSTRAINT "bookings_no_overlap"
    EXCLUDE USING gist ("telescope_id" WITH =, tstzrange("starts_at", "blocked_until", '[)') WITH &&) WHERE ("occupies"),
  CONSTRAINT "bookings_start_before_end" CHECK ("starts_at" < "ends_at" AND "ends_at" <= "blocked_until")
);
CREATE INDEX "bookings_telescope_id_starts_at_idx" ON "bookings" ("telescope_id", "starts_at");
CREATE INDEX "bookings_user_ref_starts_at_idx" ON "bookings" ("user_ref", "starts_at");

CREATE TABLE "sessions" (
  "booking_id" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "workflow_id" TEXT NOT NULL,
  "run_id" TEXT,
  "phase" TEXT NOT NULL,
  "hold_cause" TEXT,
  "reason" TEXT,
  "outcome" TEXT,
  "generation" INTEGER NOT NULL DEFAULT 0,
  "set_guid" TEXT,
  "target_guid" TEXT,
  "voyager_shots" JSONB,
  "progress" JSONB,
  "next_at" TIMESTAMPTZ(3),
  "next_what" TEXT,
  "session_started_at" TIMESTAMPTZ(3),
  "session_ended_at" TIMESTAMPTZ(3),
  "images_captured" INTEGER NOT NULL DEFAULT 0,
  "session_stats" JSONB,
  "report_path" TEXT,
  "archive_path" TEXT,
  "transition" INTEGER NOT NULL DEFAULT 0,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "frames_expire_at" TIMESTAMPTZ(3),
  "frames_keep" BOOLEAN NOT NULL DEFAULT false,
  -- When the figures of a session were last kept; null while it runs, and where its rows changed since.
  "figured_at" TIMESTAMPTZ(3),
  CONSTRAINT "sessions_pkey" PRIMARY KEY ("booking_id"),
  CONSTRAINT "sessions_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "sessions_phase_idx" ON "sessions" ("phase");
CREATE INDEX "sessions_telescope_id_phase_idx" ON "sessions" ("telescope_id", "phase");

CREATE TABLE "frames" (
  "id" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "booking_id" TEXT,
  "source_key" TEXT NOT NULL,
  "source_path" TEXT NOT NULL,
  "filename" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "voy_type" TEXT,
  "shot_guid" TEXT,
  "shot_done_guid" TEXT,
  "shot_index" INTEGER,
  "filter" TEXT,
  "exposure" DOUBLE PRECISION,
  "temperature" DOUBLE PRECISION,
  "binning" INTEGER,
  "gain" DOUBLE PRECISION,
  "offset" DOUBLE PRECISION,
  "hfd" DOUBLE PRECISION,
  "hfd_source" TEXT,
  "voyager_hfd" DOUBLE PRECISION,
  "star_index" DOUBLE PRECISION,
  "stars" INTEGER,
  "metadata" JSONB,
  "stats" JSONB,
  "histogram" INTEGER[],
  "state" TEXT NOT NULL DEFAULT 'pending',
  "reason" TEXT,
  "measured" BOOLEAN NOT NULL DEFAULT false,
  "previewed" BOOLEAN NOT NULL DEFAULT false,
  "announced" BOOLEAN NOT NULL DEFAULT false,
  "archive_path" TEXT,
  "preview_path" TEXT,
  "thumbnail_path" TEXT,
  "quicklook_path" TEXT,
  "size_bytes" BIGINT,
  "sha256" TEXT,
  "captured_at" TIMESTAMPTZ(3),
  "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "archived_at" TIMESTAMPTZ(3),
  "previewed_at" TIMESTAMPTZ(3),
  "announced_at" TIMESTAMPTZ(3),
  "scrubbed_at" TIMESTAMPTZ(3),
  "trashed_at" TIMESTAMPTZ(3),
  -- Copies of frames elsewhere, and the way out: announced, in the trash, gone.
  "copied_at" TIMESTAMPTZ(3),
  "purged_at" TIMESTAMPTZ(3),
  CONSTRAINT "frames_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "frames_telescope_id_source_key_key" ON "frames" ("telescope_id", "source_key");
CREATE INDEX "frames_booking_id_captured_at_idx" ON "frames" ("booking_id", "captured_at");
CREATE INDEX "frames_booking_id_state_idx" ON "frames" ("booking_id", "state");
CREATE INDEX "frames_sha256_idx" ON "frames" ("sha256");

CREATE TABLE "timeline" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "level" TEXT NOT NULL DEFAULT 'INFO',
  "source" TEXT NOT NULL DEFAULT 'session',
  "event" TEXT NOT NULL,
  "message" TEXT NOT NULL,
  "message_fr" TEXT,
  "data" JSONB NOT NULL,
  "position" BIGSERIAL NOT NULL,
  -- A line that says a fault once more, a moment after it was said in the same words: kept for operators, and no reader's line of its own.
  "repeats" BOOLEAN NOT NULL DEFAULT false,
  CONSTRAINT "timeline_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "timeline_booking_id_at_idx" ON "timeline" ("booking_id", "at");

CREATE TABLE "journal" (
  "telescope_id" TEXT NOT NULL,
  "epoch" INTEGER NOT NULL,
  "n" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "booking_id" TEXT,
  "data" JSONB NOT NULL,
  "delivered_at" TIMESTAMPTZ(3),
  CONSTRAINT "journal_pkey" PRIMARY KEY ("telescope_id", "epoch", "n")
);
CREATE INDEX "journal_telescope_id_at_idx" ON "journal" ("telescope_id", "at");

CREATE TABLE "event_counters" (
  "booking_id" TEXT NOT NULL,
  "epoch" INTEGER NOT NULL DEFAULT 1,
  "seq" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "event_counters_pkey" PRIMARY KEY ("booking_id")
);

CREATE TABLE "events" (
  "booking_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "id" TEXT NOT NULL,
  "epoch" INTEGER NOT NULL,
  "type" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "ts" TIMESTAMPTZ(3) NOT NULL,
  "data" JSONB NOT NULL,
  CONSTRAINT "events_pkey" PRIMARY KEY ("booking_id", "seq")
);
CREATE UNIQUE INDEX "events_id_key" ON "events" ("id");

CREATE TABLE "outbox" (
  "id" TEXT NOT NULL,
  "channel" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "booking_id" TEXT,
  "telescope_id" TEXT,
  "sequence" INTEGER NOT NULL,
  "data" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "delivered_at" TIMESTAMPTZ(3),
  "dead_at" TIMESTAMPTZ(3),
  "last_error" TEXT,
  -- Delivery of the outbox: since when it is tried (a replay starts the day anew and leaves the message as it was), whether a webhook has been
  -- copied to the receivers beyond the first, and the order per receiver and booking of what is still waiting.
  "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "copied" BOOLEAN NOT NULL DEFAULT false,
  -- Messages to people. A message that there was nobody to send to is no longer booked as delivered; one that waits for the end of somebody's quiet
  -- hours holds back nothing else.
  "unsent" BOOLEAN NOT NULL DEFAULT false,
  "held_until" TIMESTAMPTZ(3),
  CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "outbox_delivered_at_dead_at_next_attempt_at_idx" ON "outbox" ("delivered_at", "dead_at", "next_attempt_at");
CREATE INDEX "outbox_booking_id_sequence_idx" ON "outbox" ("booking_id", "sequence");

CREATE TABLE "deliveries" (
  "id" TEXT NOT NULL,
  "outbox_id" TEXT NOT NULL,
  "attempt" INTEGER NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "status" INTEGER,
  "error" TEXT,
  "duration_ms" INTEGER NOT NULL,
  CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "deliveries_outbox_id_idx" ON "deliveries" ("outbox_id");

CREATE TABLE "receipts" (
  "command_id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "reason" TEXT,
  "message" TEXT,
  "booking_id" TEXT,
  "telescope_id" TEXT,
  "requested_by" TEXT NOT NULL,
  "data" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "receipts_pkey" PRIMARY KEY ("command_id")
);
CREATE INDEX "receipts_booking_id_created_at_idx" ON "receipts" ("booking_id", "created_at");

CREATE TABLE "leases" (
  "telescope_id" TEXT NOT NULL,
  "holder" TEXT NOT NULL,
  "epoch" INTEGER NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "leases_pkey" PRIMARY KEY ("telescope_id")
);

CREATE TABLE "voyager_commands" (
  "key" TEXT NOT NULL,
  "telescope_id" TEXT NOT NULL,
  "booking_id" TEXT,
  "method" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "result" JSONB,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "voyager_commands_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "voyager_commands_telescope_id_state_idx" ON "voyager_commands" ("telescope_id", "state");

CREATE TABLE "borrowed_targets" (
  "telescope_id" TEXT NOT NULL,
  "target_guid" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "disabled_at" TIMESTAMPTZ(3) NOT NULL,
  "enabled_at" TIMESTAMPTZ(3),
  CONSTRAINT "borrowed_targets_pkey" PRIMARY KEY ("telescope_id", "target_guid", "booking_id")
);

CREATE TABLE "telemetry" (
  "telescope_id" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "booking_id" TEXT,
  "data" JSONB NOT NULL,
  CONSTRAINT "telemetry_pkey" PRIMARY KEY ("telescope_id", "at")
);
CREATE INDEX "telemetry_booking_id_at_idx" ON "telemetry" ("booking_id", "at");

CREATE TABLE "ledger_intervals" (
  "booking_id" TEXT NOT NULL,
  "starts_at" TIMESTAMPTZ(3) NOT NULL,
  "ends_at" TIMESTAMPTZ(3) NOT NULL,
  "class" TEXT NOT NULL,
  "cause" TEXT,
  CONSTRAINT "ledger_intervals_pkey" PRIMARY KEY ("booking_id", "starts_at")
);

CREATE TABLE "settlements" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "rule" TEXT NOT NULL,
  "lines" JSONB NOT NULL,
  "supersedes" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- How many samples of the gateway's record a settlement rests on: where more came later, the night is settled anew.
  "samples" INTEGER,
  -- The order of a booking's settlements, and what each of them says, so that a night which comes back to an earlier settlement is settled so anew.
  "position" INTEGER NOT NULL DEFAULT 1,
  "digest" TEXT,
  -- Credits are whole hundredths of a credit: no column holds a fraction.
  "charged_hundredths" INTEGER NOT NULL,
  "refund_hundredths" INTEGER NOT NULL,
  "by_hand_hundredths" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "settlements_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "settlements_refund_within_charge"
    CHECK ("refund_hundredths" BETWEEN 0 AND "charged_hundredths" AND "by_hand_hundredths" BETWEEN 0 AND "refund_hundredths")
);

CREATE TABLE "reports" (
  "booking_id" TEXT NOT NULL,
  "body" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "reports_pkey" PRIMARY KEY ("booking_id")
);

CREATE TABLE "api_keys" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "hash" TEXT NOT NULL,
  "scopes" TEXT[],
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3),
  "revoked_at" TIMESTAMPTZ(3),
  "last_used_at" TIMESTAMPTZ(3),
  -- Which key made a key or token, so that what it made ends with it; and the telescopes that they are for, empty for all.
  "minted_by" TEXT,
  "telescopes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys" ("hash");

CREATE TABLE "tokens" (
  "id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "scopes" TEXT[],
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  "revoked_at" TIMESTAMPTZ(3),
  "minted_by" TEXT,
  "telescopes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  CONSTRAINT "tokens_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "tokens_kind_subject_idx" ON "tokens" ("kind", "subject");

CREATE TABLE "idempotency_keys" (
  "key" TEXT NOT NULL,
  "request" TEXT NOT NULL,
  "status" INTEGER,
  "response" JSONB,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" ("created_at");

CREATE TABLE "audit" (
  "id" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "actor" TEXT NOT NULL,
  "action" TEXT NOT NULL,
  "booking_id" TEXT,
  "telescope_id" TEXT,
  "data" JSONB NOT NULL,
  CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "audit_booking_id_at_idx" ON "audit" ("booking_id", "at");

CREATE TABLE "push_subscriptions" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT,
  "user_ref" TEXT,
  "endpoint" TEXT NOT NULL,
  "keys" JSONB NOT NULL,
  "locale" TEXT NOT NULL DEFAULT 'fr',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- Who subscribed, so that one credential cannot take the places of all, and whether it may do more than look.
  "credential_id" TEXT,
  "control" BOOLEAN NOT NULL DEFAULT false,
  CONSTRAINT "push_subscriptions_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "push_subscriptions_booking_id_idx" ON "push_subscriptions" ("booking_id");
CREATE INDEX "outbox_channel_booking_id_telescope_id_sequence_idx" ON "outbox" ("channel", "booking_id", "telescope_id", "sequence")
  WHERE "delivered_at" IS NULL AND "dead_at" IS NULL;

-- Frames, and Voyager's records of frames, that no drain has taken: asked for several times a second while a session runs.
CREATE INDEX "journal_not_taken" ON "journal" ("telescope_id") WHERE "delivered_at" IS NULL AND "kind" IN ('frame', 'shot_done');
CREATE INDEX "push_subscriptions_endpoint_idx" ON "push_subscriptions" ("endpoint");

-- Links in letters: exchanged for a session token, revocable. `device_hash` is the first device that used it; others may only look.
CREATE TABLE "links" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "scopes" TEXT[],
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  "revoked_at" TIMESTAMPTZ(3),
  "first_used_at" TIMESTAMPTZ(3),
  "device_hash" TEXT,
  "token_ids" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  CONSTRAINT "links_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "links_booking_id_idx" ON "links" ("booking_id");

-- What a person wants to hear, where and when. Addresses of channels are sealed with a key of the environment.
CREATE TABLE "preferences" (
  "user_ref" TEXT NOT NULL,
  "body" JSONB NOT NULL,
  "addresses" TEXT,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "preferences_pkey" PRIMARY KEY ("user_ref")
);

-- Calendar feeds under secret addresses.
CREATE TABLE "calendars" (
  "id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "locale" TEXT NOT NULL DEFAULT 'fr',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "revoked_at" TIMESTAMPTZ(3),
  CONSTRAINT "calendars_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "calendars_kind_subject_idx" ON "calendars" ("kind", "subject");

-- An operator who is at work on it wants no more of the same for a while; what would page is never silenced.
CREATE TABLE "silences" (
  "id" TEXT NOT NULL,
  "telescope_id" TEXT,
  "actor" TEXT NOT NULL,
  "reason" TEXT,
  "from_at" TIMESTAMPTZ(3) NOT NULL,
  "until_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "silences_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "silences_until_at_idx" ON "silences" ("until_at");
CREATE UNIQUE INDEX "settlements_booking_id_position_key" ON "settlements" ("booking_id", "position");
CREATE INDEX "api_keys_minted_by_idx" ON "api_keys" ("minted_by");
CREATE INDEX "tokens_minted_by_idx" ON "tokens" ("minted_by");

-- Every movement of credits. A row takes from one account of the booking and gives to another, so the accounts of a booking sum to zero by its form:
-- `guest` (what they have paid, below zero), `held` (paid and not yet settled), `earned` (the telescope's).
CREATE TABLE "credit_transfers" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "n" BIGSERIAL NOT NULL,
  "kind" TEXT NOT NULL,
  "debit" TEXT NOT NULL,
  "credit" TEXT NOT NULL,
  "hundredths" INTEGER NOT NULL,
  "settlement_id" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "credit_transfers_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "credit_transfers_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE CASCADE,
  CONSTRAINT "credit_transfers_hundredths_positive" CHECK ("hundredths" > 0),
  CONSTRAINT "credit_transfers_ways" CHECK (("kind", "debit", "credit") IN (
    ('hold', 'guest', 'held'), ('release', 'held', 'guest'), ('post', 'held', 'earned'), ('void', 'held', 'guest'),
    ('refund', 'held', 'guest'), ('refund', 'earned', 'guest'), ('recharge', 'guest', 'earned')))
);
CREATE INDEX "credit_transfers_booking_id_n_idx" ON "credit_transfers" ("booking_id", "n");

-- What an administrator gives back beyond the rules, and why.
CREATE TABLE "manual_refunds" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "hundredths" INTEGER NOT NULL,
  "reason" TEXT NOT NULL,
  "actor" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "manual_refunds_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "manual_refunds_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE CASCADE,
  CONSTRAINT "manual_refunds_hundredths_positive" CHECK ("hundredths" > 0)
);
CREATE INDEX "manual_refunds_booking_id_idx" ON "manual_refunds" ("booking_id");

CREATE VIEW "credit_balances" AS
  SELECT "booking_id", "account", sum("hundredths")::int AS "hundredths" FROM (
    SELECT "booking_id", "debit" AS "account", -"hundredths" AS "hundredths" FROM "credit_transfers"
    UNION ALL SELECT "booking_id", "credit", "hundredths" FROM "credit_transfers") AS legs
  GROUP BY 1, 2;

-- Of one booking one transfer at a time, and none is ever changed.
CREATE FUNCTION credit_transfers_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('credits/' || NEW.booking_id, 0));
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM bookings WHERE id = OLD.booking_id) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'credit transfers are only ever added' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER credit_transfers_guard BEFORE INSERT OR UPDATE OR DELETE ON "credit_transfers"
  FOR EACH ROW EXECUTE FUNCTION credit_transfers_guard();

-- Nothing is given back that was not paid: neither what is held nor what was earned is ever below zero.
CREATE FUNCTION credit_transfers_covered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM credit_balances WHERE booking_id = NEW.booking_id AND account <> 'guest' AND hundredths < 0) THEN
    RAISE EXCEPTION 'booking %: more credits would move than there are', NEW.booking_id USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_transfers_covered';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER credit_transfers_covered AFTER INSERT ON "credit_transfers"
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_transfers_covered();

-- What a booking costs is held in the statement that writes it, whoever writes it.
CREATE FUNCTION bookings_hold_credits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  more INTEGER := NEW.charged_hundredths - CASE WHEN TG_OP = 'UPDATE' THEN OLD.charged_hundredths ELSE 0 END;
  way TEXT := CASE WHEN more > 0 THEN 'hold' ELSE 'release' END;
BEGIN
  IF more = 0 THEN RETURN NULL; END IF;
  INSERT INTO credit_transfers (id, booking_id, kind, debit, credit, hundredths)
  VALUES (NEW.id || '/' || way || '/' || (SELECT 1 + count(*) FROM credit_transfers WHERE booking_id = NEW.id), NEW.id, way,
    CASE WHEN more > 0 THEN 'guest' ELSE 'held' END, CASE WHEN more > 0 THEN 'held' ELSE 'guest' END, abs(more));
  RETURN NULL;
END $$;
CREATE TRIGGER bookings_hold_credits AFTER INSERT OR UPDATE ON "bookings" FOR EACH ROW EXECUTE FUNCTION bookings_hold_credits();

-- A guest's complaint about a frame (image_id) or a whole night, and the operator's answer.
CREATE TABLE "complaints" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "image_id" TEXT,
  "text" TEXT NOT NULL,
  "actor" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "answer" TEXT,
  "answered_by" TEXT,
  "answered_at" TIMESTAMPTZ(3),
  "refund_hundredths" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "complaints_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "complaints_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE CASCADE,
  CONSTRAINT "complaints_answered" CHECK (("answer" IS NULL) = ("answered_at" IS NULL) AND ("answer" IS NOT NULL OR "refund_hundredths" = 0))
);
CREATE INDEX "complaints_booking_id_created_at_idx" ON "complaints" ("booking_id", "created_at");
CREATE INDEX "complaints_answered_at_created_at_idx" ON "complaints" ("answered_at", "created_at");

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

-- People who work at the observatory and sign in with a passkey. `minted_by` is the key that invited them: they end with it.
CREATE TABLE "operators" (
  "id" TEXT PRIMARY KEY,
  "name" TEXT NOT NULL UNIQUE,
  "role" TEXT NOT NULL,
  "telescopes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  "minted_by" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "expires_at" TIMESTAMPTZ(3),
  "ended_at" TIMESTAMPTZ(3),
  "invitation_hash" TEXT UNIQUE,
  "invited_until" TIMESTAMPTZ(3)
);
CREATE INDEX "operators_minted_by_idx" ON "operators" ("minted_by");

-- Public keys of authenticators (WebAuthn Level 3, 5.8.1); the secret half never leaves the operator's device.
CREATE TABLE "passkeys" (
  "id" TEXT PRIMARY KEY,
  "operator_id" TEXT NOT NULL REFERENCES "operators" ("id") ON DELETE CASCADE,
  "credential_id" TEXT NOT NULL UNIQUE,
  "public_key" BYTEA NOT NULL,
  "counter" BIGINT NOT NULL,
  "transports" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  "label" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "last_used_at" TIMESTAMPTZ(3)
);
CREATE INDEX "passkeys_operator_id_idx" ON "passkeys" ("operator_id");

-- Challenges that were answered, until they end by themselves: an answer is good once.
CREATE TABLE "used_challenges" (
  "challenge" TEXT PRIMARY KEY,
  "expires_at" TIMESTAMPTZ(3) NOT NULL
);

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

CREATE FUNCTION empty_figures_by_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- DELETE, since a TRUNCATE of all tables at once holds these too.
  DELETE FROM figures_by_month;
  DELETE FROM causes_by_month;
  RETURN NULL;
END $$;
CREATE TRIGGER figures_by_month_truncate AFTER TRUNCATE ON "session_figures" FOR EACH STATEMENT EXECUTE FUNCTION empty_figures_by_month();
