<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.failed`: the night was lost to a fault. */
final class SessionFailed extends WebhookEvent
{
}
