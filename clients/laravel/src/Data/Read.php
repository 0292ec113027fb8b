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

    /** An address that a browser opens: nocturne's own are given without its host. */
    public function address(string $key): ?string
    {
        $value = $this->text($key);

        return $value !== null && str_starts_with($value, '/') ? config('nocturne.public_url') . $value : $value;
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
