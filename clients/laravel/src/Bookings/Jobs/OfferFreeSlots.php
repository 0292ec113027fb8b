<?php

namespace Nocturne\Laravel\Bookings\Jobs;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;
use Nocturne\Laravel\Bookings\Rebooking;
use Nocturne\Laravel\Events\RebookingOffered;
use Nocturne\Laravel\Support\Bookings;

/** After a night lost to weather: finds free slots; `rebook` says whether they are offered or the first is booked. */
final class OfferFreeSlots implements ShouldQueue
{
    use InteractsWithQueue;
    use Queueable;

    public int $tries = 5;

    public function __construct(public readonly string $bookingId)
    {
    }

    /** @return list<int> seconds */
    public function backoff(): array
    {
        return [30, 120, 600, 3600];
    }

    public function handle(Rebooking $rebooking, Bookings $bookings, Dispatcher $events): void
    {
        $row = $bookings->find($this->bookingId);
        if ($row === null || $row->newQuery()->where('rebooked_from', $this->bookingId)->exists()) {
            return;
        }
        $offers = $rebooking->offers($row);
        $user = method_exists($row, 'user') ? $row->getRelationValue('user') : null;
        $booked = null;
        if (config('nocturne.rebook') === 'auto' && $user !== null && $offers !== []) {
            $booked = $rebooking->accept($row, $user, $offers[0]['start']);
        }
        $events->dispatch(new RebookingOffered($row, $offers, $booked));
    }
}
