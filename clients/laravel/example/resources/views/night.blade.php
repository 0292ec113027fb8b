<x-site :title="$booking->target_name">
    <p><a href="{{ route('report', $booking) }}">Report</a> <span role="status" data-site="progress"></span></p>
    <x-nocturne::control :booking="$booking" />
    <script src="/progress.js"></script>
</x-site>
