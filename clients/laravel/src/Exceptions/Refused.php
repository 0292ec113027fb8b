<?php

namespace Nocturne\Laravel\Exceptions;

/** The command or change is not possible now; the message says why. */
final class Refused extends ProblemException
{
}
