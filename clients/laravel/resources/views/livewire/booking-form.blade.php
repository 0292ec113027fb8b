<form wire:submit.prevent="submit" wire:loading.class="opacity-50" data-nocturne="livewire-form">
    @php($fields = ['targetName' => 'target', 'targetRA' => 'ra', 'targetDEC' => 'dec'])
    <fieldset>
        @foreach ($fields as $field => $label)
            <label>{{ __("nocturne::nocturne.form.$label") }} <input wire:model.lazy="{{ $field }}"></label>
            @error($field) <p role="alert">{{ $message }}</p> @enderror
        @endforeach
    </fieldset>
    <fieldset>
        <label>{{ __('nocturne::nocturne.form.date') }} <input type="date" wire:model.lazy="date"></label>
        <label>{{ __('nocturne::nocturne.form.start') }} ({{ config('app.timezone') }}) <input type="time" wire:model.lazy="startTime"></label>
        <label>{{ __('nocturne::nocturne.form.duration') }} <input type="number" min="1" wire:model.lazy="duration"></label>
        @error('startTime') <p role="alert">{{ $message }}</p> @enderror
        @error('duration') <p role="alert">{{ $message }}</p> @enderror
    </fieldset>
    <table>
        @foreach ($shots as $index => $shot)
            <tr wire:key="shot-{{ $index }}">
                @foreach (['filter', 'exposure', 'quantity', 'binning'] as $part)
                    <td>
                        <label>{{ __("nocturne::nocturne.form.$part") }} <input wire:model.lazy="shots.{{ $index }}.{{ $part }}"></label>
                        @error("shots.$index.$part") <p role="alert">{{ $message }}</p> @enderror
                    </td>
                @endforeach
                <td><button type="button" wire:click="removeShot({{ $index }})">{{ __('nocturne::nocturne.form.remove') }}</button></td>
            </tr>
        @endforeach
    </table>
    <button type="button" wire:click="addShot">{{ __('nocturne::nocturne.form.add') }}</button>
    <fieldset>
        @foreach (['minAltitude' => 'min_altitude', 'haStart' => 'ha_start', 'haEnd' => 'ha_end'] as $field => $label)
            <label>{{ __("nocturne::nocturne.form.$label") }} <input type="number" step="0.5" wire:model.lazy="{{ $field }}"></label>
            @error($field) <p role="alert">{{ $message }}</p> @enderror
        @endforeach
    </fieldset>
    <button type="button" wire:click="calculateCost">{{ __('nocturne::nocturne.form.cost') }}</button>
    @if ($cost !== null) <p>{{ __('nocturne::nocturne.form.credits', ['n' => $cost]) }}</p> @endif
    @if ($fits !== null) <p>{{ __($fits ? 'nocturne::nocturne.form.fits' : 'nocturne::nocturne.form.too_long') }}</p> @endif
    @error('cost') <p role="alert">{{ $message }}</p> @enderror
    @error('submit') <p role="alert">{{ $message }}</p> @enderror
    <button type="submit">{{ __('nocturne::nocturne.form.submit') }}</button>
    @if ($result !== null) <p role="status">{{ $result }}</p> @endif
</form>
