@if ($allowed)
    <section {{ $attributes }} data-nocturne="timeline">
        <h2>{{ __('nocturne::nocturne.timeline.title') }}</h2>
        @if ($away)
            <p role="status">{{ __('nocturne::nocturne.timeline.away') }}</p>
        @endif
        @if ($lines === [])
            <p>{{ __('nocturne::nocturne.timeline.none') }}</p>
        @else
            <ol>
                @foreach ($lines as $line)
                    <li data-level="{{ $line['level'] }}"><time>{{ $line['at'] }} UTC</time> {{ $line['text'] }}</li>
                @endforeach
            </ol>
        @endif
    </section>
@endif
