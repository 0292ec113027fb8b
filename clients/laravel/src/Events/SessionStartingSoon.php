<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.starting_soon`: an hour before the slot. */
final class SessionStartingSoon extends WebhookEvent
{
}
