<?php

namespace Nocturne\Laravel\Events;

/** Webhook `session.weathered_out`: the night was lost to weather. */
final class SessionWeatheredOut extends WebhookEvent
{
}
