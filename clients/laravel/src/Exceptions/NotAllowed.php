<?php

namespace Nocturne\Laravel\Exceptions;

/** The server key is missing, wrong, or lacks the scope. */
final class NotAllowed extends ProblemException
{
}
