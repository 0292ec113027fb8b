<?php

namespace Nocturne\Laravel\Broadcasting;

/** The roadmap's event (6.2): the session's phase changed. */
final class ObservationStateChanged extends SessionBroadcast
{
}
