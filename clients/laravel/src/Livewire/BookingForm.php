<?php

namespace Nocturne\Laravel\Livewire;

use Illuminate\Contracts\View\View;
use Livewire\Component;

/** `<livewire:nocturne-booking-form />`: the roadmap's form (4.1), for sites with Livewire. */
class BookingForm extends Component
{
    use PlansObservation;

    public function render(): View
    {
        return view('nocturne::livewire.booking-form');
    }
}
