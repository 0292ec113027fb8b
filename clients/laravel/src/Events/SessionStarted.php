<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.started`: the telescope observes. */
final class SessionStarted extends WebhookEvent
{
}
