-- One browser may be told of several bookings: its address is no longer the row's name, the id is (address and booking, or address and person).
DROP INDEX "push_subscriptions_endpoint_key";
CREATE INDEX "push_subscriptions_endpoint_idx" ON "push_subscriptions" ("endpoint");
