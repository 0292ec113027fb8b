<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.aborted`: stopped for good. */
final class SessionAborted extends WebhookEvent
{
}
