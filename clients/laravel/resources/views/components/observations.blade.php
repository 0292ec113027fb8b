<section {{ $attributes }} data-nocturne="observations">
    <h2>{{ __('nocturne::nocturne.observations.title') }}</h2>
    @if ($rows->isEmpty())
        <p>{{ __('nocturne::nocturne.observations.none') }}</p>
    @else
        <table>
            <thead>
                <tr>
                    <th>{{ __('nocturne::nocturne.observations.target') }}</th>
                    <th>{{ __('nocturne::nocturne.observations.date') }}</th>
                    <th>{{ __('nocturne::nocturne.observations.images') }}</th>
                    <th>{{ __('nocturne::nocturne.observations.outcome') }}</th>
                </tr>
            </thead>
            <tbody>
                @foreach ($rows as $row)
                    <tr>
                        <td>
                            @if ($route !== null)
                                <a href="{{ route($route, $row) }}">{{ $row->target_name }}</a>
                            @else
                                {{ $row->target_name }}
                            @endif
                        </td>
                        <td>{{ $row->nocturneStart()->toDateString() }}</td>
                        <td>{{ $row->images_captured }}</td>
                        <td>{{ $row->nocturne_outcome ? __('nocturne::nocturne.outcomes.' . $row->nocturne_outcome) : $row->status }}</td>
                    </tr>
                @endforeach
            </tbody>
        </table>
    @endif
</section>
