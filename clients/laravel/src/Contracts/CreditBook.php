<?php

namespace Nocturne\Laravel\Contracts;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Data\Settlement;

/** The site's balances. Bind your own in a service provider; the one that comes with the package books nothing. */
interface CreditBook
{
    /** Takes credits for a booking. @throws \Nocturne\Laravel\Exceptions\NotEnoughCredits */
    public function charge(Authenticatable $user, Model $booking, float $credits): void;

    /**
     * Gives credits back, or takes back what was given too much (negative). Runs inside the transaction of the message.
     *
     * @param Settlement|null $settlement null when a booking came to nothing before its night
     */
    public function refund(Model $booking, float $credits, ?Settlement $settlement): void;
}
