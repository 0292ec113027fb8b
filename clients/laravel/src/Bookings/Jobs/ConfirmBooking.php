<?php

namespace Nocturne\Laravel\Bookings\Jobs;

use DateTimeInterface;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;
use Nocturne\Laravel\Bookings\Desk;
use Nocturne\Laravel\Exceptions\Unreachable;
use Nocturne\Laravel\Support\Bookings;

/** Sends a booking again whose answer nobody heard, until it is known whether it stands. */
final class ConfirmBooking implements ShouldQueue
{
    use InteractsWithQueue;
    use Queueable;

    private const SECONDS_BETWEEN = 20;

    public int $tries = 0;

    public function __construct(public readonly string $bookingId, public readonly int $untilTimestamp)
    {
    }

    public function retryUntil(): DateTimeInterface
    {
        return now()->setTimestamp($this->untilTimestamp);
    }

    public function handle(Desk $desk, Bookings $bookings): void
    {
        $row = $bookings->find($this->bookingId);
        if ($row === null || $row->getAttribute('status') !== Desk::PENDING) {
            return;
        }
        try {
            $desk->settle($row);
        } catch (Unreachable) {
            $this->release(self::SECONDS_BETWEEN);
        }
    }
}
