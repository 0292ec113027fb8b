<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/**
 * What is known of a telescope, from where, and how old it is. `source` is `live` (the answer of this moment), `cache` (nocturne is away, this was its
 * last answer) or `none`. Whatever is not live and fresh reads as unknown: voyager_status is UNDEFINED and the last known value stands beside it.
 */
final class ObservatoryState extends Data
{
    private function __construct(
        public readonly string $source,
        public readonly ?CarbonImmutable $updatedAt,
        public readonly bool $stale,
        public readonly string $voyagerStatus,
        public readonly ?string $error,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function live(array $raw): self
    {
        $read = new Read($raw);
        $stale = $read->flag('stale');
        $status = $stale ? 'UNDEFINED' : ($read->text('voyager_status') ?? 'UNDEFINED');
        $state = new self('live', $read->time('updated_at'), $stale, $status, null);
        $state->raw = $raw;

        return $state;
    }

    /** @param array<string, mixed>|null $raw the last answer, null when there was never one */
    public static function away(?array $raw, string $error): self
    {
        $updatedAt = $raw === null ? null : (new Read($raw))->time('updated_at');
        $state = new self($raw === null ? 'none' : 'cache', $updatedAt, true, 'UNDEFINED', $error);
        $state->raw = $raw ?? [];

        return $state;
    }

    /** Seconds since the values were measured; null when nothing is known. */
    public function ageSeconds(): ?int
    {
        return $this->updatedAt === null ? null : max(0, (int) abs($this->updatedAt->diffInSeconds(now())));
    }

    /** May a page show these values as the present. */
    public function isKnown(): bool
    {
        return $this->source === 'live' && !$this->stale;
    }

    /** @return array<string, mixed> the body of the roadmap's status route, with source and age */
    public function toArray(): array
    {
        $evidence = [
            'voyager_status' => $this->voyagerStatus,
            'stale' => $this->stale,
            'source' => $this->source,
            'age_seconds' => $this->ageSeconds(),
        ];
        if ($this->isKnown()) {
            return $evidence + $this->raw;
        }
        $evidence['last_known'] = $this->raw === [] ? null : $this->raw;
        if ($this->source === 'live') {
            return $evidence + $this->raw;
        }
        $unknown = ['message' => $this->error, 'target_enabled' => null, 'sequence' => null, 'exposure' => null];
        $unknown += ['equipment' => [], 'warnings' => ['stale'], 'updated_at' => $this->updatedAt?->toIso8601String()];

        return $evidence + $unknown;
    }
}
