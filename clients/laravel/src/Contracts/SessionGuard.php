<?php

namespace Nocturne\Laravel\Contracts;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;

/** Who may watch and control a session. Bind your own to admit others than the person who booked. */
interface SessionGuard
{
    public function mayView(?Authenticatable $user, Model $booking): bool;

    public function mayControl(?Authenticatable $user, Model $booking): bool;

    /** May this person see who else watches this telescope. */
    public function mayJoin(?Authenticatable $user, string $telescopeId): bool;
}
