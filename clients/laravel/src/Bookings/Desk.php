<?php

namespace Nocturne\Laravel\Bookings;

use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Contracts\Bus\Dispatcher;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Bookings\Jobs\ConfirmBooking;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Exceptions\NotEnoughCredits;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\Exceptions\Unreachable;
use Nocturne\Laravel\VoyagerService;

/**
 * Books a night from a row of the site: the row stands as `pending` and is paid before nocturne is asked; a refusal takes both back; an answer that nobody
 * heard leaves it pending, and a job asks again until it is known.
 */
class Desk
{
    public const PENDING = 'pending';

    public function __construct(
        private readonly VoyagerService $voyager,
        private readonly CreditBook $credits,
        private readonly Dispatcher $bus,
    ) {
    }

    /**
     * @param Model $booking not saved yet; uses HasNocturneSession
     * @return Model the row: confirmed, or still `pending` when nobody heard the answer
     * @throws ProblemException when nocturne refuses; the row is gone again, and paid back
     * @throws Unreachable when nothing was sent; the row is gone again, and paid back
     * @throws NotEnoughCredits
     */
    public function reserve(Model $booking, Authenticatable $user, float $credits = 0.0): Model
    {
        $booking->setAttribute('status', self::PENDING);
        $booking->getConnection()->transaction(function () use ($booking, $user, $credits): void {
            $booking->save();
            $this->credits->charge($user, $booking, $credits);
        });
        try {
            return $this->confirm($booking);
        } catch (ProblemException $thrown) {
            $this->undo($booking, $credits);
            throw $thrown;
        } catch (Unreachable $thrown) {
            if (!$thrown->sent) {
                $this->undo($booking, $credits);
                throw $thrown;
            }
            $job = new ConfirmBooking($booking->nocturneId(), $booking->nocturneEnd()->getTimestamp());
            $this->bus->dispatch($job->delay(5));

            return $booking;
        }
    }

    /** Asks again for a row that is pending: it stands then, or it is cancelled and paid back. @throws Unreachable when still unknown */
    public function settle(Model $booking): Model
    {
        try {
            return $this->confirm($booking);
        } catch (ProblemException $thrown) {
            if ($thrown->status >= 500 || in_array($thrown->status, [401, 403, 429], true)) {
                throw new Unreachable($thrown->getMessage(), true, null, null, $thrown);
            }
            $booking->getConnection()->transaction(function () use ($booking, $thrown): void {
                $booking->forceFill(['status' => 'cancelled', 'nocturne_reason' => $thrown->problemCode])->save();
                $this->credits->refund($booking, (float) $booking->getAttribute('credits'), null);
            });

            return $booking;
        }
    }

    private function confirm(Model $booking): Model
    {
        $answer = $this->voyager->book($booking->nocturneId(), $booking->toNocturne());
        $vocabulary = config('nocturne.status') ?? 'status';
        // A webhook may have been faster, and says more.
        $fresh = $booking->newQuery()->find($booking->getKey()) ?? $booking;
        if ($fresh->getAttribute('status') === self::PENDING) {
            $fresh->forceFill(['status' => $answer[$vocabulary], 'nocturne_phase' => $answer->phase])->save();
        }
        $booking->setRawAttributes($fresh->getAttributes(), true);

        return $booking;
    }

    private function undo(Model $booking, float $credits): void
    {
        $booking->getConnection()->transaction(function () use ($booking, $credits): void {
            if ($credits > 0) {
                $this->credits->refund($booking, $credits, null);
            }
            $booking->delete();
        });
    }
}
