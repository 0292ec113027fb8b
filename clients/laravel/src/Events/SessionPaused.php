<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.paused`: holding; `data.cause` is weather, fault or user, `data.reason` says what exactly. */
final class SessionPaused extends WebhookEvent
{
}
