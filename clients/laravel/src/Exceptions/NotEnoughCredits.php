<?php

namespace Nocturne\Laravel\Exceptions;

/** The balance does not cover the booking; nothing was taken. */
final class NotEnoughCredits extends NocturneException
{
}
