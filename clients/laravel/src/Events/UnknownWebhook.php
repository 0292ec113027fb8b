<?php

namespace Nocturne\Laravel\Events;

/** Webhook `any.other`: a type that a newer nocturne sends and this package does not know. */
final class UnknownWebhook extends WebhookEvent
{
}
