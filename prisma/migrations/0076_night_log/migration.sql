-- A line that says a fault once more, a moment after it was said in the same words: kept for operators, and no reader's line of its own.
ALTER TABLE "timeline" ADD COLUMN "repeats" BOOLEAN NOT NULL DEFAULT false;
