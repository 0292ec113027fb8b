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
