@if ($userRef === null)
    {{-- Nobody is signed in: nothing to book with. --}}
@elseif ($token === null)
    <p role="alert" data-nocturne="unavailable">{{ __('nocturne::nocturne.unavailable') }}</p>
@else
    @once
        <link rel="stylesheet" href="{{ $url }}/assets/telescope-control.css">
        <script src="{{ $url }}/assets/telescope-control.js" defer></script>
    @endonce
    <div {{ $attributes }} data-nocturne="booking-form" data-action="{{ $action }}" data-csrf="{{ csrf_token() }}"
        data-user-ref="{{ $userRef }}" @if (config('nocturne.credits_per_hour') !== null) data-credits-per-hour="{{ config('nocturne.credits_per_hour') }}" @endif
        x-data="bookingForm({
            token: @js($token),
            baseUrl: @js($url),
            locale: @js(app()->getLocale()),
        })"></div>
@endif
