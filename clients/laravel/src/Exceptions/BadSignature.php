<?php

namespace Nocturne\Laravel\Exceptions;

/** A webhook that nocturne did not sign, or not lately. */
final class BadSignature extends NocturneException
{
}
