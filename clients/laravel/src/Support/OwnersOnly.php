<?php

namespace Nocturne\Laravel\Support;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Contracts\SessionGuard;

/** The person who booked, and nobody else. */
class OwnersOnly implements SessionGuard
{
    public function mayView(?Authenticatable $user, Model $booking): bool
    {
        $owner = $booking->nocturneOwnerId();

        return $user !== null && $owner !== null && (string) $owner === (string) $user->getAuthIdentifier();
    }

    public function mayControl(?Authenticatable $user, Model $booking): bool
    {
        return $this->mayView($user, $booking);
    }

    public function mayJoin(?Authenticatable $user, string $telescopeId): bool
    {
        $class = config('nocturne.booking_model');
        if ($user === null || !is_string($class)) {
            return false;
        }

        return $class::query()->where('user_id', $user->getAuthIdentifier())->latest('id')->limit(50)->get()
            ->contains(fn (Model $booking) => $booking->nocturneTelescope() === $telescopeId);
    }
}
