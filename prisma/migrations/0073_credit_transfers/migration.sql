-- Credits are whole hundredths of a credit: no column holds a fraction.
ALTER TABLE "settlements" ADD COLUMN "charged_hundredths" INTEGER;
ALTER TABLE "settlements" ADD COLUMN "refund_hundredths" INTEGER;
ALTER TABLE "settlements" ADD COLUMN "by_hand_hundredths" INTEGER NOT NULL DEFAULT 0;
UPDATE "settlements" SET
  "charged_hundredths" = round("credits_charged"::numeric * 100)::int,
  "refund_hundredths" = round("credits_refund"::numeric * 100)::int,
  "lines" = coalesce((
    SELECT jsonb_agg((line - 'credits') || jsonb_build_object('hundredths', round((line->>'credits')::numeric * 100)::int) ORDER BY n)
    FROM jsonb_array_elements("lines") WITH ORDINALITY AS l(line, n) WHERE line ? 'credits'), '[]'::jsonb);
ALTER TABLE "settlements" ALTER COLUMN "charged_hundredths" SET NOT NULL;
ALTER TABLE "settlements" ALTER COLUMN "refund_hundredths" SET NOT NULL;
ALTER TABLE "settlements" DROP COLUMN "credits_charged";
ALTER TABLE "settlements" DROP COLUMN "credits_refund";
ALTER TABLE "settlements" ADD CONSTRAINT "settlements_refund_within_charge"
  CHECK ("refund_hundredths" BETWEEN 0 AND "charged_hundredths" AND "by_hand_hundredths" BETWEEN 0 AND "refund_hundredths");

ALTER TABLE "bookings" ADD COLUMN "charged_hundredths" INTEGER NOT NULL GENERATED ALWAYS AS
  (least(greatest(round(coalesce(("credits"->>'charged')::numeric, 0) * 100), 0), 2000000000)::int) STORED;

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

-- Bookings and settlements from before: held, and settled as the last word on each says. Before the triggers, whose lock on each booking would be too
-- many for one transaction.
INSERT INTO "credit_transfers" ("id", "booking_id", "kind", "debit", "credit", "hundredths", "created_at")
  SELECT id || '/hold/1', id, 'hold', 'guest', 'held', charged_hundredths, created_at FROM "bookings" WHERE charged_hundredths > 0;
WITH last AS (
  SELECT DISTINCT ON (s.booking_id) s.id, s.booking_id, s.created_at, b.charged_hundredths AS charged,
         least(s.refund_hundredths, b.charged_hundredths) AS refund
  FROM "settlements" s JOIN "bookings" b ON b.id = s.booking_id ORDER BY s.booking_id, s.position DESC)
INSERT INTO "credit_transfers" ("id", "booking_id", "kind", "debit", "credit", "hundredths", "settlement_id", "created_at")
  SELECT booking_id || '/' || id || '/post', booking_id, 'post', 'held', 'earned', charged - refund, id, created_at FROM last WHERE charged > refund
  UNION ALL
  SELECT booking_id || '/' || id || '/refund', booking_id, 'refund', 'held', 'guest', refund, id, created_at FROM last WHERE refund > 0;

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
