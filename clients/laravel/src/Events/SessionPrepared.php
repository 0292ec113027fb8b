<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.prepared`: set, target and shots stand in RoboTarget. */
final class SessionPrepared extends WebhookEvent
{
}
