@if ($allowed)
    @if ($token === null)
        <p role="alert" data-nocturne="unavailable">{{ __('nocturne::nocturne.unavailable') }}</p>
    @elseif ($frame)
        <iframe {{ $attributes }} src="{{ $link }}" title="{{ $booking->target_name }}" allow="fullscreen"
            style="width:100%;height:{{ $height }};border:0" data-nocturne="control"></iframe>
    @else
        @once
            <link rel="stylesheet" href="{{ $url }}/assets/telescope-control.css">
            <script src="{{ $url }}/assets/telescope-control.js" defer></script>
        @endonce
        <div {{ $attributes }} data-nocturne="control" x-data="telescopeControl({
            bookingId: @js($id),
            token: @js($token),
            baseUrl: @js($url),
            locale: @js(app()->getLocale()),
        })"></div>
    @endif
@endif
