-- Frames, and Voyager's records of frames, that no drain has taken: asked for several times a second while a session runs.
CREATE INDEX "journal_not_taken" ON "journal" ("telescope_id") WHERE "delivered_at" IS NULL AND "kind" IN ('frame', 'shot_done');
