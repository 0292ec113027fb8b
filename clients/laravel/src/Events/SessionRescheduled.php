<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.rescheduled`: the slot lies elsewhere. */
final class SessionRescheduled extends WebhookEvent
{
}
