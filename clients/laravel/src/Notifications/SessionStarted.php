<?php

namespace Nocturne\Laravel\Notifications;

/** The telescope observes. */
final class SessionStarted extends SessionNotification
{
    protected const LINES = 'started';
}
