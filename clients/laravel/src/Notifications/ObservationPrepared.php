<?php

namespace Nocturne\Laravel\Notifications;

/** The day before: everything is ready. */
final class ObservationPrepared extends SessionNotification
{
    protected const LINES = 'prepared';
}
