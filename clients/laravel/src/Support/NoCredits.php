<?php

namespace Nocturne\Laravel\Support;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Data\Settlement;

/** Stands in until the site binds its own CreditBook. */
final class NoCredits implements CreditBook
{
    public function charge(Authenticatable $user, Model $booking, float $credits): void
    {
    }

    public function refund(Model $booking, float $credits, ?Settlement $settlement): void
    {
    }
}
