-- Delivery of the outbox: since when it is tried (a replay starts the day anew and leaves the message as it was), whether a webhook has been
-- copied to the receivers beyond the first, and the order per receiver and booking of what is still waiting.
ALTER TABLE "outbox" ADD COLUMN "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
UPDATE "outbox" SET "queued_at" = "created_at";
ALTER TABLE "outbox" ADD COLUMN "copied" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "outbox_channel_booking_id_telescope_id_sequence_idx" ON "outbox" ("channel", "booking_id", "telescope_id", "sequence")
  WHERE "delivered_at" IS NULL AND "dead_at" IS NULL;
