<?php

namespace Nocturne\Laravel\View\Components;

use Illuminate\Contracts\View\View;
use Illuminate\Support\Collection;
use Illuminate\View\Component;
use Nocturne\Laravel\Contracts\SessionGuard;

/**
 * The nights of the person who looks: `<x-nocturne::observations />`, or of the rows that are given. From this site's own database, so it stands while
 * nocturne is away.
 */
final class Observations extends Component
{
    private const ROWS = 100;

    public Collection $rows;

    /** @param Collection|null $bookings untyped, since the container would make an empty Collection where none is given */
    public function __construct(SessionGuard $guard, mixed $bookings = null, public ?string $route = null)
    {
        $class = config('nocturne.booking_model');
        $user = auth()->user();
        if (!$bookings instanceof Collection) {
            $bookings = $user === null ? collect() : $class::query()
                ->where('user_id', $user->getAuthIdentifier())
                ->latest('start_datetime')
                ->limit(self::ROWS)
                ->get();
        }
        $this->rows = $bookings->filter(fn ($booking) => $guard->mayView($user, $booking))->values();
    }

    public function render(): View
    {
        return view('nocturne::components.observations');
    }
}
