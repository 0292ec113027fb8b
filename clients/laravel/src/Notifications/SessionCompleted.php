<?php

namespace Nocturne\Laravel\Notifications;

/** The night is over: how it ended, and where the report is. */
final class SessionCompleted extends SessionNotification
{
    protected const LINES = 'completed';
}
