<?php

namespace Nocturne\Laravel\Support;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Contracts\SessionGuard;
use Symfony\Component\HttpKernel\Exception\NotFoundHttpException;

/** Finds the site's row of a booking for somebody who asks; whose it is not finds nothing. */
final class Bookings
{
    public function __construct(private readonly SessionGuard $guard)
    {
    }

    public function find(string $id): ?Model
    {
        $class = config('nocturne.booking_model');

        return is_string($class) && class_exists($class) ? $class::findByNocturneId($id) : null;
    }

    /** @throws NotFoundHttpException */
    public function forViewing(?Authenticatable $user, string $id): Model
    {
        $booking = $this->find($id);
        if ($booking === null || !$this->guard->mayView($user, $booking)) {
            throw new NotFoundHttpException();
        }

        return $booking;
    }

    /** @throws NotFoundHttpException */
    public function forControl(?Authenticatable $user, string $id): Model
    {
        $booking = $this->find($id);
        if ($booking === null || !$this->guard->mayControl($user, $booking)) {
            throw new NotFoundHttpException();
        }

        return $booking;
    }
}
