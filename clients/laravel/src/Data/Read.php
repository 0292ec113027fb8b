<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/** Values of a decoded body with the type that the contract gives them; what is missing is null or empty. */
final class Read
{
    /** @param array<string, mixed> $raw */
    public function __construct(private readonly array $raw)
    {
    }

    public function text(string $key): ?string
    {
        $value = $this->raw[$key] ?? null;

        return is_scalar($value) ? (string) $value : null;
    }

    public function number(string $key): ?float
    {
        $value = $this->raw[$key] ?? null;

        return is_numeric($value) ? (float) $value : null;
    }

    public function whole(string $key): int
    {
        return (int) ($this->number($key) ?? 0);
    }

    public function flag(string $key): bool
    {
        return ($this->raw[$key] ?? null) === true;
    }

    public function time(string $key): ?CarbonImmutable
    {
        $value = $this->text($key);

        return $value === null ? null : CarbonImmutable::parse($value);
    }

    /** @return array<mixed> */
    public function list(string $key): array
    {
        $value = $this->raw[$key] ?? null;

        return is_array($value) ? $value : [];
    }
}
