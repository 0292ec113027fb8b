<x-site title="Report">
    <h1>{{ $booking->target_name }}</h1>
    <x-nocturne::report :booking="$booking" />
    @foreach ($booking->answers as $one)
        <section data-site="answer">
            <h2>Your complaint</h2>
            <blockquote>{{ $one->text }}</blockquote>
            <p>{{ $one->answer }}</p>
            @if ($one->credits_refund > 0)
                <p>{{ $one->credits_refund }} credits are given back.</p>
            @endif
        </section>
    @endforeach
    <x-nocturne::timeline :booking="$booking" />
</x-site>
