<?php

namespace Nocturne\Laravel\Notifications;

/** A number of frames have come in. */
final class ImagesCaptured extends SessionNotification
{
    protected const LINES = 'images';
}
