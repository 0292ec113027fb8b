<?php

namespace Nocturne\Laravel\Events;

/** Webhook `control.refused`: a command was refused, with its reason. */
final class ControlRefused extends WebhookEvent
{
}
