-- How many samples of the gateway's record a settlement rests on: where more came later, the night is settled anew.
ALTER TABLE "settlements" ADD COLUMN "samples" INTEGER;
