<?php

namespace Nocturne\Laravel\Broadcasting;

/** The roadmap's event (6.2): something went wrong. */
final class ErrorAlert extends SessionBroadcast
{
}
