<?php

namespace Nocturne\Laravel\Webhooks;

use Illuminate\Contracts\Bus\Dispatcher;
use Nocturne\Laravel\Bookings\Jobs\OfferFreeSlots;
use Nocturne\Laravel\Bookings\Jobs\RefreshBooking;
use Nocturne\Laravel\Broadcasting\Relay;
use Nocturne\Laravel\Notifications\Postman;
use Nocturne\Laravel\Support\Bookings;
use Psr\Log\LoggerInterface;
use Throwable;

/** What follows once a message is kept: jobs, live events of the site, letters. A fault here costs none of the message's effects. */
class Aftermath
{
    /** Messages after which more stands in nocturne than they say: GUIDs of shots, figures of the night. */
    private const REFRESH = ['session.prepared', 'session.completed', 'session.aborted', 'session.weathered_out', 'session.failed'];

    public function __construct(
        private readonly Bookings $bookings,
        private readonly Dispatcher $bus,
        private readonly Relay $relay,
        private readonly Postman $postman,
        private readonly LoggerInterface $log,
    ) {
    }

    public function after(Message $message): void
    {
        $booking = $message->bookingId === null ? null : $this->bookings->find($message->bookingId);
        if ($booking === null) {
            return;
        }
        $this->attempt($message, fn () => $this->relay->send($message, $booking));
        $this->attempt($message, fn () => $this->postman->deliver($message, $booking));
        if (in_array($message->type, self::REFRESH, true)) {
            $this->attempt($message, fn () => $this->bus->dispatch(new RefreshBooking($booking->nocturneId())));
        }
        if ($message->type === 'session.weathered_out' && config('nocturne.rebook') !== null) {
            $this->attempt($message, fn () => $this->bus->dispatch(new OfferFreeSlots($booking->nocturneId())));
        }
    }

    private function attempt(Message $message, callable $do): void
    {
        try {
            $do();
        } catch (Throwable $thrown) {
            $this->log->error('nocturne: after a webhook', ['type' => $message->type, 'error' => $thrown->getMessage()]);
        }
    }
}
