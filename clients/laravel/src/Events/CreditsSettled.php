<?php

namespace Nocturne\Laravel\Events;

/** Webhook `credits.settled`: what the night costs; `settlement()` gives it. Balances are booked by the CreditBook. */
final class CreditsSettled extends WebhookEvent
{
}
