<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.extended`: the slot ends later. */
final class SessionExtended extends WebhookEvent
{
}
