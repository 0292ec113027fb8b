<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.completed`: over, with frames, report and settlement. */
final class SessionCompleted extends WebhookEvent
{
}
