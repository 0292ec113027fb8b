<?php

namespace Nocturne\Laravel\Data;

/** Would this plan be taken, how long would it last, and what would it cost. */
final class BookingCheck extends Data
{
    /** @param array<string, list<string>> $errors */
    private function __construct(
        public readonly bool $ok,
        public readonly array $errors,
        public readonly bool $fits,
        public readonly int $estimatedSeconds,
        public readonly int $usableSeconds,
        public readonly ?float $credits,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $check = new self(
            $read->flag('ok'),
            $read->list('errors'),
            $read->flag('fits'),
            $read->whole('estimated_seconds'),
            $read->whole('usable_seconds'),
            $read->number('credits'),
        );
        $check->raw = $raw;

        return $check;
    }
}
