@if ($allowed)
    <section {{ $attributes }} data-nocturne="report">
        <h2>{{ __('nocturne::nocturne.report.title') }}</h2>
        @if ($problem !== null)
            <p role="status">{{ $problem }}</p>
        @else
            <dl>
                <dt>{{ __('nocturne::nocturne.report.outcome') }}</dt>
                <dd data-report="outcome">{{ __('nocturne::nocturne.outcomes.' . $report['summary']['outcome']) }}</dd>
                <dt>{{ __('nocturne::nocturne.report.images') }}</dt>
                <dd data-report="images">{{ $report['images']['archived'] }} / {{ $report['images']['planned'] }}</dd>
                <dt>{{ __('nocturne::nocturne.report.exposure') }}</dt>
                <dd>{{ $figure($report['images']['total_exposure_seconds'] / 60, 1, 'min') }}</dd>
                <dt>{{ __('nocturne::nocturne.report.hfd') }}</dt>
                <dd>{{ $figure($report['images']['average_hfd'], 2, 'px') }}</dd>
                <dt>{{ __('nocturne::nocturne.report.rms') }}</dt>
                <dd>{{ $figure($report['tracking']['average_rms_px'], 2, 'px') }}</dd>
                <dt>{{ __('nocturne::nocturne.report.refund') }}</dt>
                <dd data-report="refund">{{ $figure($report['credits']['credits_refund'] ?? null, 2) }}</dd>
            </dl>
            <table>
                <thead>
                    <tr>
                        <th>{{ __('nocturne::nocturne.report.filter') }}</th>
                        <th>{{ __('nocturne::nocturne.report.count') }}</th>
                        <th>{{ __('nocturne::nocturne.report.exposure') }}</th>
                        <th>{{ __('nocturne::nocturne.report.hfd') }}</th>
                    </tr>
                </thead>
                <tbody>
                    @foreach ($report['images']['by_filter'] as $line)
                        <tr>
                            <td>{{ $line['filter'] }}</td>
                            <td>{{ $line['count'] }}</td>
                            <td>{{ $figure($line['exposure_seconds'] / 60, 1, 'min') }}</td>
                            <td>{{ $figure($line['average_hfd'], 2, 'px') }}</td>
                        </tr>
                    @endforeach
                </tbody>
            </table>
            @if ($download !== null)
                <p><a data-report="download" href="{{ $download }}">{{ __('nocturne::nocturne.report.download') }}</a></p>
            @endif
            <h3>{{ __('nocturne::nocturne.report.timeline') }}</h3>
            <ol>
                @foreach ($report['timeline'] as $line)
                    <li><time datetime="{{ $line['at'] }}">{{ substr($line['at'], 11, 8) }} UTC</time> {{ $line['message'] }}</li>
                @endforeach
            </ol>
        @endif
    </section>
@endif
