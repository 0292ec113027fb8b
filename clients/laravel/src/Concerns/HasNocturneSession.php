<?php

namespace Nocturne\Laravel\Concerns;

use DateTimeInterface;
use Illuminate\Database\Eloquent\Relations\HasMany;
use Illuminate\Support\Carbon;
use Nocturne\Laravel\Models\ObservationImage;
use Nocturne\Laravel\Models\ObservationLog;

/**
 * For the site's model of a booking. The names of columns are the roadmap's; a site with others overrides the methods.
 *
 * @mixin \Illuminate\Database\Eloquent\Model
 */
trait HasNocturneSession
{
    public function initializeHasNocturneSession(): void
    {
        $casts = [
            'shots' => 'array',
            'voyager_shots' => 'array',
            'session_stats' => 'array',
            'session_started_at' => 'datetime',
            'session_ended_at' => 'datetime',
            'images_captured' => 'integer',
            'nocturne_sequence' => 'integer',
        ];
        // The site's own casts win.
        $this->mergeCasts(array_diff_key($casts, $this->getCasts()));
    }

    public function observationImages(): HasMany
    {
        return $this->hasMany(ObservationImage::class, 'booking_id');
    }

    public function observationLogs(): HasMany
    {
        return $this->hasMany(ObservationLog::class, 'booking_id');
    }

    /** The id under which nocturne knows this booking: 1 to 64 of A-Z a-z 0-9 _ -. */
    public function nocturneId(): string
    {
        return (string) $this->getKey();
    }

    /** The row of an id of nocturne, or null. */
    public static function findByNocturneId(string $id): ?static
    {
        $model = new static();
        if ($model->getKeyType() === 'int' && !ctype_digit($id)) {
            return null;
        }

        return static::query()->find($id);
    }

    public function nocturneOwnerId(): mixed
    {
        return $this->getAttribute('user_id');
    }

    public function nocturneTelescope(): string
    {
        $equipment = method_exists($this, 'equipment') ? $this->getRelationValue('equipment') : null;

        return (string) ($this->getAttribute('telescope_id')
            ?? $equipment?->getAttribute('telescope_id')
            ?? config('nocturne.telescope'));
    }

    public function nocturneStart(): Carbon
    {
        return Carbon::parse($this->getAttribute('start_datetime'));
    }

    public function nocturneEnd(): Carbon
    {
        return Carbon::parse($this->getAttribute('end_datetime'));
    }

    /** The person, as little as nocturne needs. @return array<string, string> */
    public function nocturneUser(): array
    {
        $user = method_exists($this, 'user') ? $this->getRelationValue('user') : null;

        return array_filter([
            'ref' => (string) $this->nocturneOwnerId(),
            'display_name' => $user?->getAttribute('name'),
            'email' => $user?->getAttribute('email'),
            'locale' => app()->getLocale() === 'en' ? 'en' : 'fr',
        ]);
    }

    /** Body of `PUT /api/bookings/{id}`. @return array<string, mixed> */
    public function toNocturne(): array
    {
        $constraints = array_filter([
            'min_altitude_degrees' => $this->asNumber('min_altitude'),
            'hour_angle_start_hours' => $this->asNumber('ha_start'),
            'hour_angle_end_hours' => $this->asNumber('ha_end'),
        ], fn ($value) => $value !== null);
        $shots = $this->getAttribute('shots');

        return array_filter([
            'telescope_id' => $this->nocturneTelescope(),
            'start' => $this->nocturneStart()->toIso8601String(),
            'end' => $this->nocturneEnd()->toIso8601String(),
            'user' => $this->nocturneUser(),
            'target' => [
                'name' => $this->getAttribute('target_name'),
                'ra_hours' => $this->asNumber('target_ra') ?? $this->getAttribute('target_ra'),
                'dec_degrees' => $this->asNumber('target_dec') ?? $this->getAttribute('target_dec'),
            ],
            'shots' => array_map([self::class, 'nocturneShot'], is_string($shots) ? json_decode($shots, true) : $shots ?? []),
            'constraints' => $constraints === [] ? null : $constraints,
            'credits' => ['charged' => $this->asNumber('credits') ?? 0],
            'rebooked_from' => $this->getAttribute('rebooked_from'),
        ], fn ($value) => $value !== null);
    }

    /**
     * A line of the plan with nocturne's names, from the roadmap's (`exposure`) or its own.
     *
     * @param array<string, mixed> $shot
     * @return array<string, mixed>
     */
    public static function nocturneShot(array $shot): array
    {
        return array_filter([
            'filter' => $shot['filter'] ?? null,
            'exposure_seconds' => self::number($shot['exposure_seconds'] ?? $shot['exposure'] ?? null),
            'quantity' => self::number($shot['quantity'] ?? null),
            'binning' => self::number($shot['binning'] ?? null),
            'gain' => self::number($shot['gain'] ?? null),
            'offset' => self::number($shot['offset'] ?? null),
        ], fn ($value) => $value !== null);
    }

    /** Is now within the slot: controls make sense. */
    public function nocturneIsOn(?DateTimeInterface $now = null): bool
    {
        $at = Carbon::parse($now ?? now());

        return $at->betweenIncluded($this->nocturneStart(), $this->nocturneEnd());
    }

    private function asNumber(string $column): int|float|null
    {
        return self::number($this->getAttribute($column));
    }

    private static function number(mixed $value): int|float|null
    {
        return is_numeric($value) ? $value + 0 : null;
    }
}
