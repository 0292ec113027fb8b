<?php

namespace Nocturne\Laravel\Exceptions;

use Illuminate\Http\JsonResponse;

/** nocturne answered, and said no (RFC 9457). `problem` is the whole document. */
class ProblemException extends NocturneException
{
    /** @param array<string, mixed> $problem */
    final public function __construct(
        public readonly int $status,
        public readonly string $problemCode,
        string $detail,
        public readonly array $problem = [],
        public readonly ?string $requestId = null,
    ) {
        parent::__construct($detail, $status);
    }

    /** @param array<string, mixed> $problem */
    public static function fromAnswer(int $status, array $problem, ?string $requestId): self
    {
        $code = is_string($problem['code'] ?? null) ? $problem['code'] : 'internal';
        $class = match (true) {
            $status === 401 || $status === 403 => NotAllowed::class,
            $status === 404 => NotFound::class,
            $code === 'slot_taken' => SlotTaken::class,
            $status === 409 => Refused::class,
            $status === 422 => InvalidPlan::class,
            default => self::class,
        };
        $detail = is_string($problem['detail'] ?? null) ? $problem['detail'] : "nocturne answered $status";

        return new $class($status, $code, $detail, $problem, $requestId);
    }

    /** @return array<string, list<string>> what is wrong, by field, as Laravel's validator gives it */
    public function errors(): array
    {
        $errors = $this->problem['errors'] ?? [];

        return is_array($errors) ? $errors : [];
    }

    /** What a page of this site gets when nobody catches it; a missing server key is a fault of the site, not of its guest. */
    public function render(): JsonResponse
    {
        if ($this->status === 401 || $this->status === 403 || $this->status >= 500) {
            return new JsonResponse(['message' => trans('nocturne::nocturne.unavailable'), 'code' => $this->problemCode], 503);
        }
        $body = ['message' => $this->getMessage(), 'code' => $this->problemCode];

        return new JsonResponse($this->errors() === [] ? $body : $body + ['errors' => $this->errors()], $this->status);
    }
}
