<x-site :title="$booking->target_name">
    <p><a href="{{ route('report', $booking) }}">Report</a></p>
    <x-nocturne::control :booking="$booking" />
</x-site>
