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
  CONSTRAINT "bookings_pkey" PRIMARY KEY ("id")
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
  CONSTRAINT "sessions_pkey" PRIMARY KEY ("booking_id")
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
  "credits_charged" DOUBLE PRECISION NOT NULL,
  "credits_refund" DOUBLE PRECISION NOT NULL,
  "supersedes" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "settlements_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "settlements_booking_id_idx" ON "settlements" ("booking_id");

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
  CONSTRAINT "push_subscriptions_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "push_subscriptions_endpoint_key" ON "push_subscriptions" ("endpoint");
CREATE INDEX "push_subscriptions_booking_id_idx" ON "push_subscriptions" ("booking_id");

ALTER TABLE "sessions" ADD CONSTRAINT "sessions_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Two bookings of one telescope never overlap, turnaround included; who races here loses with 23P01.
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_no_overlap"
  EXCLUDE USING gist ("telescope_id" WITH =, tstzrange("starts_at", "blocked_until", '[)') WITH &&) WHERE ("occupies");
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_start_before_end" CHECK ("starts_at" < "ends_at" AND "ends_at" <= "blocked_until");
