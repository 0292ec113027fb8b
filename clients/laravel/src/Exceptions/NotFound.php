<?php

namespace Nocturne\Laravel\Exceptions;

/** There is no such booking, image or object. */
final class NotFound extends ProblemException
{
}
