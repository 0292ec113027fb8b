<?php

namespace Nocturne\Laravel\Notifications;

/** Something went wrong; a person is told. */
final class ErrorOccurred extends SessionNotification
{
    protected const LINES = 'error';
}
