<?php

namespace Nocturne\Laravel\Bookings;

use Carbon\CarbonImmutable;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\VoyagerService;

/** Another night for a booking that came to nothing. */
class Rebooking
{
    /** Slots that are checked against the sky at most, so that a full calendar does not cost a hundred requests. */
    private const CANDIDATES = 12;

    public function __construct(private readonly VoyagerService $voyager, private readonly Desk $desk)
    {
    }

    /**
     * Free slots of the same length in which the same plan would be taken, earliest first.
     *
     * @return list<array{start: string, end: string}>
     */
    public function offers(Model $booking, int $limit = 3): array
    {
        $now = CarbonImmutable::now();
        $until = $now->addDays((int) config('nocturne.rebook_days'));
        $telescope = $booking->nocturneTelescope();
        $free = $this->voyager->availability($telescope, $now->toIso8601String(), $until->toIso8601String())['free'] ?? [];
        $seconds = (int) abs($booking->nocturneEnd()->getTimestamp() - $booking->nocturneStart()->getTimestamp());
        $offers = [];
        foreach (array_slice($this->slots($free, $seconds), 0, self::CANDIDATES) as $slot) {
            $check = $this->voyager->check($slot + $booking->toNocturne());
            if ($check->ok && $check->fits) {
                $offers[] = $slot;
            }
            if (count($offers) >= $limit) {
                break;
            }
        }

        return $offers;
    }

    /** Books one of the offers as a booking of its own, since an id is never used again. What it costs is the site's choice; free is usual. */
    public function accept(Model $booking, Authenticatable $user, string $start, float $credits = 0.0): Model
    {
        $length = $booking->nocturneEnd()->getTimestamp() - $booking->nocturneStart()->getTimestamp();
        $from = CarbonImmutable::parse($start)->setTimezone(config('app.timezone'));
        $fresh = $booking->replicate([
            'status', 'voyager_set_guid', 'voyager_target_guid', 'voyager_shots', 'session_started_at', 'session_ended_at',
            'images_captured', 'session_stats', 'nocturne_phase', 'nocturne_outcome', 'nocturne_reason', 'nocturne_sequence',
        ]);
        $fresh->forceFill([
            'start_datetime' => $from,
            'end_datetime' => $from->addSeconds($length),
            'rebooked_from' => $booking->nocturneId(),
        ]);

        return $this->desk->reserve($fresh, $user, $credits);
    }

    /**
     * From each free span its beginning and, in a long one, its middle.
     *
     * @param array<mixed> $free
     * @return list<array{start: string, end: string}>
     */
    private function slots(array $free, int $seconds): array
    {
        $slots = [];
        foreach ($free as $span) {
            $from = CarbonImmutable::parse($span['start'])->addMinutes(10);
            $last = CarbonImmutable::parse($span['end'])->subSeconds($seconds);
            $middle = $from->addSeconds((int) (($last->getTimestamp() - $from->getTimestamp()) / 2));
            foreach ($middle->gt($from->addSeconds($seconds)) ? [$from, $middle] : [$from] as $start) {
                if ($start->lte($last)) {
                    $end = $start->addSeconds($seconds)->toIso8601String();
                    $slots[] = ['start' => $start->toIso8601String(), 'end' => $end];
                }
            }
        }

        return $slots;
    }
}
