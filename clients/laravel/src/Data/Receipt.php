<?php

namespace Nocturne\Laravel\Data;

/**
 * What became of a command: accepted, sent, confirmed by telemetry, refused with a reason, or unknown. Unknown means that nobody saw the effect yet,
 * not that there was none.
 */
final class Receipt extends Data
{
    private function __construct(
        public readonly string $commandId,
        public readonly string $kind,
        public readonly string $state,
        public readonly ?string $reason,
        public readonly ?string $message,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $receipt = new self(
            (string) $read->text('command_id'),
            (string) $read->text('kind'),
            $read->text('state') ?? 'unknown',
            $read->text('reason'),
            $read->text('message'),
        );
        $receipt->raw = $raw;

        return $receipt;
    }

    public function confirmed(): bool
    {
        return $this->state === 'confirmed';
    }

    /** Under way or unseen: ask again with VoyagerService::command(). */
    public function pending(): bool
    {
        return in_array($this->state, ['accepted', 'sent', 'unknown'], true);
    }
}
