<?php

namespace Nocturne\Laravel\Events;

/** Webhook `control.confirmed`: telemetry confirmed a command. */
final class ControlConfirmed extends WebhookEvent
{
}
