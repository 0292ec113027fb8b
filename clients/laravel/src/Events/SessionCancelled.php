<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.cancelled`: given up before it began. */
final class SessionCancelled extends WebhookEvent
{
}
