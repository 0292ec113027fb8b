-- Messages to people. A message that there was nobody to send to is no longer booked as delivered; one that waits for the end of somebody's quiet
-- hours holds back nothing else.
ALTER TABLE "outbox" ADD COLUMN "unsent" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "outbox" ADD COLUMN "held_until" TIMESTAMPTZ(3);
UPDATE "outbox" SET "unsent" = true, "dead_at" = "delivered_at", "delivered_at" = NULL
  WHERE "delivered_at" IS NOT NULL AND "last_error" IS NOT NULL AND "channel" IN ('email', 'push', 'webhook');

-- Who subscribed, so that one credential cannot take the places of all, and whether it may do more than look.
ALTER TABLE "push_subscriptions" ADD COLUMN "credential_id" TEXT;
ALTER TABLE "push_subscriptions" ADD COLUMN "control" BOOLEAN NOT NULL DEFAULT false;

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
