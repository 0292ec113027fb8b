<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/** A line of the night's log, in both languages where it has both. */
final class LogLine extends Data
{
    private function __construct(
        public readonly CarbonImmutable $at,
        public readonly string $level,
        public readonly string $event,
        public readonly string $message,
        public readonly ?string $messageFr,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $line = new self(
            $read->time('at') ?? CarbonImmutable::now(),
            $read->text('level') ?? 'INFO',
            (string) $read->text('event'),
            (string) $read->text('message'),
            $read->text('message_fr'),
        );
        $line->raw = $raw;

        return $line;
    }

    public function text(string $locale): string
    {
        return $locale === 'fr' && $this->messageFr !== null ? $this->messageFr : $this->message;
    }
}
