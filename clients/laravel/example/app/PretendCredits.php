<?php

namespace App;

use App\Models\User;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Data\Settlement;
use Nocturne\Laravel\Exceptions\NotEnoughCredits;

/** Balances in a column of `users`. A real site has a book of entries. */
final class PretendCredits implements CreditBook
{
    public function charge(Authenticatable $user, Model $booking, float $credits): void
    {
        $paid = User::query()->whereKey($user->getAuthIdentifier())->where('credits', '>=', $credits)->decrement('credits', $credits);
        if ($paid === 0) {
            throw new NotEnoughCredits(trans('nocturne::nocturne.not_enough_credits'));
        }
    }

    public function refund(Model $booking, float $credits, ?Settlement $settlement): void
    {
        User::query()->whereKey($booking->getAttribute('user_id'))->increment('credits', $credits);
    }
}
