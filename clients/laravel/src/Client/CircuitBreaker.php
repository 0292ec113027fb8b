<?php

namespace Nocturne\Laravel\Client;

use Illuminate\Contracts\Cache\Repository;

/**
 * Keeps a page from waiting for a server that is away. Closed until several requests in a row failed, then open for a while; after that one request
 * at a time probes, and its success closes it. The state is shared through the cache.
 */
final class CircuitBreaker
{
    private const FAILURES = 'nocturne.breaker.failures';
    private const OPEN_UNTIL = 'nocturne.breaker.open_until';
    private const PROBE = 'nocturne.breaker.probe';
    /** A probe that died gives its place back after so many seconds. */
    private const PROBE_SECONDS = 20;

    public function __construct(
        private readonly Repository $cache,
        private readonly int $failures,
        private readonly int $openSeconds,
    ) {
    }

    /** Seconds until a request makes sense again; 0 lets this one through. In half-open state only one caller gets 0. */
    public function waitSeconds(): int
    {
        $openUntil = $this->cache->get(self::OPEN_UNTIL);
        if (!is_numeric($openUntil)) {
            return 0;
        }
        $left = (int) ceil((float) $openUntil - $this->now());
        if ($left > 0) {
            return $left;
        }

        return $this->cache->add(self::PROBE, 1, self::PROBE_SECONDS) ? 0 : 1;
    }

    public function isOpen(): bool
    {
        return is_numeric($this->cache->get(self::OPEN_UNTIL));
    }

    public function succeeded(): void
    {
        if ($this->cache->get(self::FAILURES) !== null || $this->isOpen()) {
            $this->cache->forget(self::FAILURES);
            $this->cache->forget(self::OPEN_UNTIL);
            $this->cache->forget(self::PROBE);
        }
    }

    public function failed(): void
    {
        $this->cache->add(self::FAILURES, 0, 3600);
        $count = (int) $this->cache->increment(self::FAILURES);
        if ($count >= $this->failures || $this->isOpen()) {
            $this->cache->put(self::OPEN_UNTIL, $this->now() + $this->openSeconds, 3600);
            $this->cache->forget(self::PROBE);
        }
    }

    private function now(): float
    {
        return (float) now()->format('U.u');
    }
}
