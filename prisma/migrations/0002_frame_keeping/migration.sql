-- Copies of frames elsewhere, and the way out: announced, in the trash, gone.
ALTER TABLE "frames"
  ADD COLUMN "copied_at" TIMESTAMPTZ(3),
  ADD COLUMN "purged_at" TIMESTAMPTZ(3);
ALTER TABLE "sessions"
  ADD COLUMN "frames_expire_at" TIMESTAMPTZ(3),
  ADD COLUMN "frames_keep" BOOLEAN NOT NULL DEFAULT false;
