<?php

namespace Nocturne\Laravel\Exceptions;

/** Another booking, or the time around it, stands in the way. */
final class SlotTaken extends ProblemException
{
}
