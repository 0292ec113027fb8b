-- Which key made a key or token, so that what it made ends with it; and the telescopes that they are for, empty for all.
ALTER TABLE "api_keys" ADD COLUMN "minted_by" TEXT;
ALTER TABLE "api_keys" ADD COLUMN "telescopes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];
ALTER TABLE "tokens" ADD COLUMN "minted_by" TEXT;
ALTER TABLE "tokens" ADD COLUMN "telescopes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];
CREATE INDEX "api_keys_minted_by_idx" ON "api_keys" ("minted_by");
CREATE INDEX "tokens_minted_by_idx" ON "tokens" ("minted_by");
