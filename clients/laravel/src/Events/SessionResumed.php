<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.resumed`: observing again. */
final class SessionResumed extends WebhookEvent
{
}
