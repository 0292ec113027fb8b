<?php

namespace Nocturne\Laravel\Webhooks;

use Carbon\CarbonImmutable;
use Nocturne\Laravel\Exceptions\BadSignature;
use Throwable;

/** A webhook whose signature was found good. */
final class Message
{
    /** @param array<string, mixed> $data */
    public function __construct(
        public readonly string $id,
        public readonly string $type,
        public readonly CarbonImmutable $createdAt,
        public readonly int $sequence,
        public readonly ?string $bookingId,
        public readonly ?string $telescopeId,
        public readonly array $data,
    ) {
    }

    /** @throws BadSignature when the body is not one of nocturne's */
    public static function fromBody(string $body): self
    {
        $raw = json_decode($body, true);
        if (!is_array($raw) || !is_string($raw['id'] ?? null) || !is_string($raw['type'] ?? null)) {
            throw new BadSignature('The body is not a webhook of nocturne.');
        }
        try {
            $at = CarbonImmutable::parse((string) ($raw['created_at'] ?? ''));
        } catch (Throwable) {
            throw new BadSignature('The webhook has no time.');
        }

        return new self(
            $raw['id'],
            $raw['type'],
            $at,
            (int) ($raw['sequence'] ?? 0),
            isset($raw['booking_id']) ? (string) $raw['booking_id'] : null,
            isset($raw['telescope_id']) ? (string) $raw['telescope_id'] : null,
            is_array($raw['data'] ?? null) ? $raw['data'] : [],
        );
    }
}
