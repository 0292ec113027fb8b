<x-site title="Report">
    <h1>{{ $booking->target_name }}</h1>
    <x-nocturne::report :booking="$booking" />
    <x-nocturne::timeline :booking="$booking" />
</x-site>
