<?php

namespace Nocturne\Laravel\Client;

use Illuminate\Support\Str;

/** What one request says. `always` marks a stop: it is sent even while the circuit breaker is open. */
final class Call
{
    /**
     * @param array<string, mixed>|null $body
     * @param array<string, scalar> $query
     * @param array<string, string> $headers
     */
    public function __construct(
        public readonly string $method,
        public readonly string $path,
        public readonly ?array $body = null,
        public readonly array $query = [],
        public readonly ?string $idempotencyKey = null,
        public readonly bool $always = false,
        public readonly array $headers = [],
        public readonly ?int $timeout = null,
        public readonly ?string $sink = null,
        public readonly bool $stream = false,
    ) {
    }

    /** @param array<string, mixed> $query null and empty values are left out */
    public static function get(string $path, array $query = []): self
    {
        return new self('GET', $path, null, array_filter($query, fn ($value) => $value !== null && $value !== ''));
    }

    /** @param array<string, mixed>|null $body */
    public static function post(string $path, ?array $body, ?string $key, bool $always = false, array $query = []): self
    {
        return new self('POST', $path, $body, $query, $key ?? (string) Str::uuid(), $always);
    }

    public function streamed(): self
    {
        return new self($this->method, $this->path, $this->body, $this->query, timeout: $this->timeout, stream: true);
    }

    /** @return array<string, mixed> */
    public function options(): array
    {
        return array_filter([
            'query' => $this->query === [] ? null : $this->query,
            'json' => $this->body === [] ? null : $this->body,
            'sink' => $this->sink,
            'stream' => $this->stream ?: null,
        ], fn ($value) => $value !== null);
    }
}
