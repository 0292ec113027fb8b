<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/** A signed token for a browser, and the address of the guest's page that carries it in its fragment. */
final class Token extends Data
{
    private function __construct(
        public readonly string $token,
        public readonly string $id,
        public readonly string $kind,
        public readonly string $subject,
        public readonly ?CarbonImmutable $expiresAt,
        public readonly ?string $controlUrl,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $token = new self(
            (string) $read->text('token'),
            (string) $read->text('id'),
            (string) $read->text('kind'),
            (string) $read->text('subject'),
            $read->time('expires_at'),
            $read->text('control_url'),
        );
        $token->raw = $raw;

        return $token;
    }
}
