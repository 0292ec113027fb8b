<?php

namespace Nocturne\Laravel\Notifications;

/** It goes on. */
final class SessionResumed extends SessionNotification
{
    protected const LINES = 'resumed';
}
