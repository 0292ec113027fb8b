<?php

namespace Nocturne\Laravel\Events;

/** Webhook `error.occurred`: something is for a person to look at. */
final class ErrorOccurred extends WebhookEvent
{
}
