<?php

namespace Nocturne\Laravel\Notifications;

/** The session waits, and why. */
final class SessionPaused extends SessionNotification
{
    protected const LINES = 'paused';
}
