<?php

namespace Nocturne\Laravel\Exceptions;

/** The plan cannot be booked; errors() names each field. */
final class InvalidPlan extends ProblemException
{
}
