<?php

namespace Nocturne\Laravel\View\Components;

use Illuminate\Contracts\View\View;
use Illuminate\View\Component;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;

/**
 * The booking form with catalogue, sky and calendar: `<x-nocturne::booking-form />`. It sends the plan to this site's route `nocturne.bookings.store` and
 * says what became of it; a listener of `nocturne:booking` that calls preventDefault() takes the plan over.
 */
final class BookingForm extends Component
{
    public ?string $token = null;
    public string $url;
    public ?string $userRef = null;

    public function __construct(VoyagerService $voyager, public ?string $action = null)
    {
        $this->url = (string) config('nocturne.public_url');
        $this->action ??= route('nocturne.bookings.store');
        $user = auth()->user();
        if ($user === null) {
            return;
        }
        $this->userRef = (string) $user->getAuthIdentifier();
        try {
            $this->token = $voyager->token('user', $this->userRef)->token;
        } catch (NocturneException) {
            // The view says that the observatory cannot be reached.
        }
    }

    public function render(): View
    {
        return view('nocturne::components.booking-form');
    }
}
