<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/** A booking and its session, as every booking route answers. */
final class Booking extends Data
{
    /**
     * @param array<string, mixed> $target
     * @param list<array<string, mixed>>|null $voyagerShots
     * @param array<string, mixed>|null $sessionStats
     */
    private function __construct(
        public readonly string $id,
        public readonly string $telescopeId,
        public readonly CarbonImmutable $start,
        public readonly CarbonImmutable $end,
        public readonly array $target,
        public readonly string $phase,
        public readonly string $status,
        public readonly string $accessState,
        public readonly ?string $outcome,
        public readonly ?string $reason,
        public readonly ?string $reasonText,
        public readonly ?string $voyagerSetGuid,
        public readonly ?string $voyagerTargetGuid,
        public readonly ?array $voyagerShots,
        public readonly ?CarbonImmutable $sessionStartedAt,
        public readonly ?CarbonImmutable $sessionEndedAt,
        public readonly int $imagesCaptured,
        public readonly ?array $sessionStats,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $booking = new self(
            id: (string) $read->text('id'),
            telescopeId: (string) $read->text('telescope_id'),
            start: $read->time('start') ?? CarbonImmutable::now(),
            end: $read->time('end') ?? CarbonImmutable::now(),
            target: $read->list('target'),
            phase: (string) $read->text('phase'),
            status: (string) $read->text('status'),
            accessState: (string) $read->text('access_state'),
            outcome: $read->text('outcome'),
            reason: $read->text('reason'),
            reasonText: $read->text('reason_text'),
            voyagerSetGuid: $read->text('voyager_set_guid'),
            voyagerTargetGuid: $read->text('voyager_target_guid'),
            voyagerShots: isset($raw['voyager_shots']) ? array_values($read->list('voyager_shots')) : null,
            sessionStartedAt: $read->time('session_started_at'),
            sessionEndedAt: $read->time('session_ended_at'),
            imagesCaptured: $read->whole('images_captured'),
            sessionStats: isset($raw['session_stats']) ? $read->list('session_stats') : null,
        );
        $booking->raw = $raw;

        return $booking;
    }

    public function isFinal(): bool
    {
        return $this->outcome !== null;
    }
}
