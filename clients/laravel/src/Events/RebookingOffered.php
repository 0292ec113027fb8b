<?php

namespace Nocturne\Laravel\Events;

use Illuminate\Database\Eloquent\Model;

/** Free slots for a booking that weather took; with `rebook` = auto the first of them is booked as `booked`. */
final class RebookingOffered
{
    /** @param list<array{start: string, end: string}> $offers earliest first; none when the calendar has none */
    public function __construct(
        public readonly Model $booking,
        public readonly array $offers,
        public readonly ?Model $booked,
    ) {
    }
}
