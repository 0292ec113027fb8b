<?php

namespace Nocturne\Laravel\Data;

/** What a night costs in the end. Book `creditsRefund` once per `settlementId`; one that names `supersedes` takes the place of that one. */
final class Settlement extends Data
{
    private function __construct(
        public readonly string $settlementId,
        public readonly string $rule,
        public readonly float $creditsCharged,
        public readonly float $creditsRefund,
        public readonly ?string $supersedes,
        /** Part of the refund that an administrator gave by hand, in credits, and why; 0 and null where nobody did. */
        public readonly float $creditsByHand,
        public readonly ?string $byHandReason,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $hand = new Read(is_array($raw['by_hand'] ?? null) ? $raw['by_hand'] : []);
        $settlement = new self(
            (string) $read->text('settlement_id'),
            (string) $read->text('rule'),
            $read->number('credits_charged') ?? 0.0,
            $read->number('credits_refund') ?? 0.0,
            $read->text('supersedes'),
            $hand->number('credits') ?? 0.0,
            $hand->text('reason'),
        );
        $settlement->raw = $raw;

        return $settlement;
    }
}
