<?php

namespace Nocturne\Laravel\Exceptions;

use RuntimeException;

/** Whatever goes wrong between this site and nocturne. */
class NocturneException extends RuntimeException
{
}
