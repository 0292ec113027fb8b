<?php

namespace Nocturne\Laravel\Exceptions;

use Illuminate\Http\JsonResponse;
use Throwable;

/**
 * Nobody heard an answer. After a write this means unknown, not "nothing happened": `idempotencyKey` repeats the same command without a second effect.
 */
final class Unreachable extends NocturneException
{
    public function __construct(
        string $message,
        public readonly bool $sent,
        public readonly ?string $idempotencyKey = null,
        public readonly ?int $retryAfterSeconds = null,
        ?Throwable $previous = null,
    ) {
        parent::__construct($message, 503, $previous);
    }

    public function render(): JsonResponse
    {
        return new JsonResponse(array_filter([
            'message' => trans($this->sent ? 'nocturne::nocturne.unknown' : 'nocturne::nocturne.unavailable'),
            'code' => 'unreachable',
            'outcome' => $this->sent ? 'unknown' : 'not_sent',
            'idempotency_key' => $this->idempotencyKey,
        ]), 503, $this->retryAfterSeconds === null ? [] : ['Retry-After' => (string) $this->retryAfterSeconds]);
    }
}
