<?php

namespace Nocturne\Laravel\Broadcasting;

/** The roadmap's event (6.2): how much of the plan is done. */
final class SequenceProgress extends SessionBroadcast
{
}
