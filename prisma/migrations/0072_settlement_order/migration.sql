-- The order of a booking's settlements, and what each of them says, so that a night which comes back to an earlier settlement is settled so anew.
ALTER TABLE "settlements" ADD COLUMN "position" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "settlements" ADD COLUMN "digest" TEXT;
UPDATE "settlements" s SET "position" = o.n
  FROM (SELECT id, row_number() OVER (PARTITION BY booking_id ORDER BY created_at, id) AS n FROM "settlements") o
  WHERE o.id = s.id;
CREATE UNIQUE INDEX "settlements_booking_id_position_key" ON "settlements" ("booking_id", "position");
DROP INDEX "settlements_booking_id_idx";
