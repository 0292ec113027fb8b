<?php

namespace Pusher;

/** Its presence tells Laravel that the library is of version 5 or later. */
class ApiErrorException extends \Exception
{
}
