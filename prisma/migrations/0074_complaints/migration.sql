-- A guest's complaint about a frame (image_id) or a whole night, and the operator's answer.
CREATE TABLE "complaints" (
  "id" TEXT NOT NULL,
  "booking_id" TEXT NOT NULL,
  "image_id" TEXT,
  "text" TEXT NOT NULL,
  "actor" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "answer" TEXT,
  "answered_by" TEXT,
  "answered_at" TIMESTAMPTZ(3),
  "refund_hundredths" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "complaints_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "complaints_booking_id_fkey" FOREIGN KEY ("booking_id") REFERENCES "bookings" ("id") ON DELETE CASCADE,
  CONSTRAINT "complaints_answered" CHECK (("answer" IS NULL) = ("answered_at" IS NULL) AND ("answer" IS NOT NULL OR "refund_hundredths" = 0))
);
CREATE INDEX "complaints_booking_id_created_at_idx" ON "complaints" ("booking_id", "created_at");
CREATE INDEX "complaints_answered_at_created_at_idx" ON "complaints" ("answered_at", "created_at");
