<?php

namespace Nocturne\Laravel\Notifications;

/** An hour before. */
final class SessionStarting extends SessionNotification
{
    protected const LINES = 'starting';
}
