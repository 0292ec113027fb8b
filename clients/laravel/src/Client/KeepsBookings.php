<?php

namespace Nocturne\Laravel\Client;

use Nocturne\Laravel\Data\Booking;
use Nocturne\Laravel\Data\BookingCheck;
use Nocturne\Laravel\Data\Page;
use Nocturne\Laravel\Data\Receipt;
use Nocturne\Laravel\Data\Token;

/** Bookings, their changes, and the tokens of their guests. */
trait KeepsBookings
{
    /**
     * Makes a booking under an id of yours. The same body again changes nothing, so a job may simply repeat it.
     *
     * @param array<string, mixed> $plan body of PUT /api/bookings/{id}
     */
    public function book(string $id, array $plan): Booking
    {
        return Booking::from($this->call(new Call('PUT', self::path('/api/bookings/%s', $id), $plan)));
    }

    public function booking(string $id): Booking
    {
        return Booking::from($this->call(Call::get(self::path('/api/bookings/%s', $id))));
    }

    /**
     * @param array<string, scalar|null> $query cursor, per_page, telescope_id, user_ref, phase
     * @return Page<Booking>
     */
    public function bookings(array $query = []): Page
    {
        return Page::from($this->call(Call::get('/api/bookings', $query)), fn (array $raw) => Booking::from($raw));
    }

    /** Would this plan be taken, and what would it cost. @param array<string, mixed> $plan as for book(), with credits_per_hour beside it */
    public function check(array $plan): BookingCheck
    {
        return BookingCheck::from($this->call(new Call('POST', '/api/bookings/check', $plan)));
    }

    /** Other target, shots or constraints, before the session starts. @param array<string, mixed> $changes */
    public function amend(string $id, array $changes): Booking
    {
        return Booking::from($this->call(new Call('PATCH', self::path('/api/bookings/%s', $id), $changes)));
    }

    /** Other times, before the session starts; ISO 8601 with an offset. */
    public function reschedule(string $id, string $start, string $end, ?string $idempotencyKey = null): Receipt
    {
        return $this->control($id, 'reschedule', ['start' => $start, 'end' => $end], $idempotencyKey);
    }

    /** More time for a session; charge the guest first. */
    public function extend(string $id, int $minutes, ?float $creditsCharged = null, ?string $idempotencyKey = null): Receipt
    {
        $body = array_filter(['minutes' => $minutes, 'credits_charged' => $creditsCharged], fn ($v) => $v !== null);

        return $this->control($id, 'extend', $body, $idempotencyKey);
    }

    /** Gives a booking up. Sent even while the circuit breaker is open. */
    public function cancel(string $id): Receipt
    {
        return Receipt::from($this->call(new Call('DELETE', self::path('/api/bookings/%s', $id), always: true)));
    }

    /** Sent even while the circuit breaker is open, since it stops. */
    public function pause(string $id, ?string $idempotencyKey = null): Receipt
    {
        return $this->control($id, 'pause', [], $idempotencyKey, true);
    }

    public function resume(string $id, ?string $idempotencyKey = null): Receipt
    {
        return $this->control($id, 'resume', [], $idempotencyKey);
    }

    /**
     * Stops the session for good. Sent even while the circuit breaker is open.
     *
     * @param string|null $requestedBy `guest` where your site relays what its guest pressed; left out, the stop is the operator's and the rest
     *                                 of the slot is given back
     */
    public function abort(
        string $id,
        ?string $reason = null,
        ?string $idempotencyKey = null,
        ?string $requestedBy = null,
    ): Receipt {
        $body = array_filter(['reason' => $reason, 'requested_by' => $requestedBy]);

        return $this->control($id, 'abort', $body, $idempotencyKey, true);
    }

    /** What became of a command. */
    public function command(string $id, string $commandId): Receipt
    {
        return Receipt::from($this->call(Call::get(self::path('/api/bookings/%s/commands/%s', $id, $commandId))));
    }

    /**
     * A token for a browser; it opens one session (`booking`), the bookings of one person (`user`) or all (`admin`).
     *
     * @param list<string>|null $scopes null gives the usual ones
     */
    public function token(string $kind, string $subject, ?array $scopes = null, ?string $expiresAt = null): Token
    {
        $body = array_filter(
            ['kind' => $kind, 'subject' => $subject, 'scopes' => $scopes, 'expires_at' => $expiresAt],
            fn ($value) => $value !== null,
        );

        return Token::from($this->call(new Call('POST', '/api/tokens', $body)));
    }

    /** Address of the guest's page, with a token of its own in the fragment. */
    public function controlLink(string $bookingId): string
    {
        return (string) $this->token('booking', $bookingId)->controlUrl;
    }

    public function revokeToken(string $tokenId): void
    {
        $this->call(new Call('DELETE', self::path('/api/tokens/%s', $tokenId)));
    }

    /** Asks for webhooks again: all that were given up, or all of one booking. Returns how many. */
    public function replayWebhooks(?string $bookingId = null): int
    {
        $body = $bookingId === null ? ['dead' => true] : ['booking_id' => $bookingId];

        return (int) ($this->call(new Call('POST', '/api/webhooks/replay', $body))['count'] ?? 0);
    }

    /** @param array<string, mixed> $body */
    private function control(string $id, string $verb, array $body, ?string $key, bool $always = false): Receipt
    {
        return Receipt::from($this->call(Call::post(self::path("/api/bookings/%s/$verb", $id), $body, $key, $always)));
    }
}
