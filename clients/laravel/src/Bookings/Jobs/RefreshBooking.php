<?php

namespace Nocturne\Laravel\Bookings\Jobs;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;
use Nocturne\Laravel\Support\Bookings;
use Nocturne\Laravel\VoyagerService;

/** Reads a booking's seven columns (roadmap 2.4) from nocturne. What only grows or never changes; the phase comes by webhooks. */
final class RefreshBooking implements ShouldQueue
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
        return [5, 30, 120, 600];
    }

    public function handle(VoyagerService $voyager, Bookings $bookings): void
    {
        $row = $bookings->find($this->bookingId);
        if ($row === null) {
            return;
        }
        $booking = $voyager->booking($this->bookingId);
        $row->forceFill(array_filter([
            'voyager_set_guid' => $booking->voyagerSetGuid,
            'voyager_target_guid' => $booking->voyagerTargetGuid,
            'voyager_shots' => $booking->voyagerShots,
            'session_started_at' => $booking->sessionStartedAt,
            'session_ended_at' => $booking->sessionEndedAt,
            'session_stats' => $booking->sessionStats,
            'images_captured' => max($booking->imagesCaptured, (int) $row->getAttribute('images_captured')),
        ], fn ($value) => $value !== null))->save();
    }
}
