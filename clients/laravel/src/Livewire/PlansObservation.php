<?php

namespace Nocturne\Laravel\Livewire;

use Carbon\CarbonImmutable;
use Illuminate\Auth\AuthenticationException;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Validation\ValidationException;
use Nocturne\Laravel\Bookings\Desk;
use Nocturne\Laravel\Bookings\RowMaker;
use Nocturne\Laravel\Exceptions\NotEnoughCredits;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\Exceptions\Unreachable;
use Nocturne\Laravel\VoyagerService;

/** Properties and methods of the roadmap's BookingForm (4.1), apart from Livewire, so that a form of another kind may use them. */
trait PlansObservation
{
    public ?int $equipmentId = null;
    public ?string $telescopeId = null;
    public string $date = '';
    public string $startTime = '';
    /** Minutes. */
    public int $duration = 60;

    public string $targetName = '';
    /** Hours, or text such as 02:49:50. */
    public string $targetRA = '';
    /** Degrees, or text such as +47:20:07. */
    public string $targetDEC = '';

    /** @var list<array{filter: string, exposure: float|int|string, quantity: int|string, binning: int|string}> */
    public array $shots = [['filter' => 'L', 'exposure' => 120, 'quantity' => 20, 'binning' => 1]];

    public float $minAltitude = 30;
    public float $haStart = -3;
    public float $haEnd = 3;

    public ?float $cost = null;
    public ?bool $fits = null;
    /** What became of the booking, in words; null before it was sent. */
    public ?string $result = null;
    public ?string $bookingId = null;

    public function addShot(): void
    {
        $last = end($this->shots);
        $this->shots[] = $last === false ? ['filter' => 'L', 'exposure' => 120, 'quantity' => 20, 'binning' => 1] : $last;
    }

    public function removeShot(int $index): void
    {
        unset($this->shots[$index]);
        $this->shots = array_values($this->shots);
    }

    /** @throws ValidationException with nocturne's errors beside the fields of this form */
    public function calculateCost(): void
    {
        $this->cost = null;
        $this->fits = null;
        $tariff = array_filter(['credits_per_hour' => config('nocturne.credits_per_hour')]);
        $check = $this->asking(fn () => app(VoyagerService::class)->check($this->plan() + $tariff));
        if ($check->errors !== []) {
            throw ValidationException::withMessages($this->named($check->errors));
        }
        if (!$check->ok) {
            throw ValidationException::withMessages(['startTime' => trans('nocturne::nocturne.not_possible')]);
        }
        $this->cost = $check->credits;
        $this->fits = $check->fits;
    }

    /** Books; `result` says what is known: booked, or sent without an answer. @throws ValidationException */
    public function submit(): void
    {
        $user = $this->guest();
        $this->result = null;
        $this->calculateCost();
        $credits = $this->cost ?? 0.0;
        $row = app(RowMaker::class)->make($this->plan(), $user, $credits);
        if ($this->equipmentId !== null) {
            $row->setAttribute('equipment_id', $this->equipmentId);
        }
        try {
            $booking = $this->asking(fn () => app(Desk::class)->reserve($row, $user, $credits));
        } catch (NotEnoughCredits $thrown) {
            throw ValidationException::withMessages(['cost' => $thrown->getMessage()]);
        }
        $this->bookingId = $booking->nocturneId();
        $pending = $booking->getAttribute('status') === Desk::PENDING;
        $this->result = trans($pending ? 'nocturne::nocturne.pending' : 'nocturne::nocturne.booked');
    }

    /** @return array<string, mixed> body of PUT /api/bookings/{id} */
    protected function plan(): array
    {
        $user = $this->guest();
        $begin = $this->begin();

        return app(RowMaker::class)->plan([
            'telescope_id' => $this->telescopeId ?: config('nocturne.telescope'),
            'start' => $begin->toIso8601String(),
            'end' => $begin->addMinutes($this->duration)->toIso8601String(),
            'target' => [
                'name' => $this->targetName,
                'ra_hours' => is_numeric($this->targetRA) ? (float) $this->targetRA : $this->targetRA,
                'dec_degrees' => is_numeric($this->targetDEC) ? (float) $this->targetDEC : $this->targetDEC,
            ],
            'shots' => array_map(fn (array $shot) => [
                'filter' => $shot['filter'],
                'exposure_seconds' => (float) $shot['exposure'],
                'quantity' => (int) $shot['quantity'],
                'binning' => (int) ($shot['binning'] ?? 1),
            ], $this->shots),
            'constraints' => [
                'min_altitude_degrees' => $this->minAltitude,
                'hour_angle_start_hours' => $this->haStart,
                'hour_angle_end_hours' => $this->haEnd,
            ],
        ], $user);
    }

    private function begin(): CarbonImmutable
    {
        $text = "$this->date $this->startTime";
        if (preg_match('/^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$/', $text) !== 1) {
            throw ValidationException::withMessages(['startTime' => trans('validation.required', ['attribute' => 'start'])]);
        }

        return CarbonImmutable::parse($text, config('app.timezone'));
    }

    private function guest(): Authenticatable
    {
        return auth()->user() ?? throw new AuthenticationException();
    }

    /**
     * @template T
     * @param callable(): T $ask
     * @return T
     */
    private function asking(callable $ask): mixed
    {
        try {
            return $ask();
        } catch (ProblemException $thrown) {
            $errors = $this->named($thrown->errors());
            throw ValidationException::withMessages($errors === [] ? ['startTime' => $thrown->getMessage()] : $errors);
        } catch (Unreachable $thrown) {
            $key = $thrown->sent ? 'unknown' : 'unavailable';
            throw ValidationException::withMessages(['submit' => trans("nocturne::nocturne.$key")]);
        }
    }

    /**
     * @param array<string, list<string>> $errors by field of the API
     * @return array<string, list<string>> by property of this form
     */
    private function named(array $errors): array
    {
        $names = [
            'start' => 'startTime', 'end' => 'duration', 'telescope_id' => 'telescopeId', 'target' => 'targetName',
            'target.name' => 'targetName', 'target.ra_hours' => 'targetRA', 'target.dec_degrees' => 'targetDEC',
            'constraints.min_altitude_degrees' => 'minAltitude', 'constraints.hour_angle_start_hours' => 'haStart',
            'constraints.hour_angle_end_hours' => 'haEnd',
        ];
        $named = [];
        foreach ($errors as $field => $texts) {
            $own = $names[$field] ?? str_replace('exposure_seconds', 'exposure', (string) $field);
            $named[$own] = [...($named[$own] ?? []), ...(array) $texts];
        }

        return $named;
    }
}
