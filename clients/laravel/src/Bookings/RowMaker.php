<?php

namespace Nocturne\Laravel\Bookings;

use Carbon\CarbonImmutable;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Arr;
use Illuminate\Validation\ValidationException;

/** Makes the site's row of a booking from a plan. Columns are the roadmap's; a site with others binds a class of its own in this one's place. */
class RowMaker
{
    /**
     * What a guest may say of a plan; who they are and what it costs is not theirs to say.
     *
     * @param array<string, mixed> $given
     * @return array<string, mixed>
     * @throws ValidationException when times are missing
     */
    public function plan(array $given, Authenticatable $user): array
    {
        $plan = Arr::only($given, ['telescope_id', 'start', 'end', 'target', 'shots', 'constraints']);
        Arr::forget($plan, 'constraints.priority');
        $plan['user'] = ['ref' => (string) $user->getAuthIdentifier(), 'locale' => app()->getLocale() === 'en' ? 'en' : 'fr'];
        foreach (['start', 'end'] as $field) {
            if (!is_string($plan[$field] ?? null) || strtotime($plan[$field]) === false) {
                throw ValidationException::withMessages([$field => trans('validation.date', ['attribute' => $field])]);
            }
        }
        $plan['telescope_id'] ??= config('nocturne.telescope');

        return $plan;
    }

    /** @param array<string, mixed> $plan as nocturne's check took it */
    public function make(array $plan, Authenticatable $user, float $credits): Model
    {
        $class = config('nocturne.booking_model');
        $zone = config('app.timezone');

        return (new $class())->forceFill([
            'user_id' => $user->getAuthIdentifier(),
            'telescope_id' => $plan['telescope_id'],
            'start_datetime' => CarbonImmutable::parse($plan['start'])->setTimezone($zone),
            'end_datetime' => CarbonImmutable::parse($plan['end'])->setTimezone($zone),
            'target_name' => Arr::get($plan, 'target.name'),
            'target_ra' => Arr::get($plan, 'target.ra_hours'),
            'target_dec' => Arr::get($plan, 'target.dec_degrees'),
            'shots' => $plan['shots'] ?? [],
            'min_altitude' => Arr::get($plan, 'constraints.min_altitude_degrees', 30),
            'ha_start' => Arr::get($plan, 'constraints.hour_angle_start_hours', -3),
            'ha_end' => Arr::get($plan, 'constraints.hour_angle_end_hours', 3),
            'credits' => $credits,
        ]);
    }
}
