<?php

namespace Nocturne\Laravel;

use Illuminate\Contracts\Cache\Repository;
use Nocturne\Laravel\Client\Call;
use Nocturne\Laravel\Client\CircuitBreaker;
use Nocturne\Laravel\Client\Connection;
use Psr\Http\Message\StreamInterface;

/**
 * nocturne as this site uses it. Methods throw ProblemException (refused; its subclasses say how) or Unreachable (nobody answered); only state() answers
 * with what was known last instead.
 */
class VoyagerService
{
    use Client\ControlsTelescope;
    use Client\KeepsBookings;
    use Client\ReadsSessions;
    use Client\EditsRoboTarget;

    public function __construct(
        protected readonly Connection $connection,
        protected readonly CircuitBreaker $breaker,
        protected readonly Repository $cache,
        protected readonly int $stateTtlSeconds,
    ) {
    }

    /** Any route of the API; see /docs on your installation. @return array<string, mixed> */
    public function call(Call $call): array
    {
        return $this->connection->json($call);
    }

    /** The body of an answer as a stream, for files that are passed on. */
    public function open(Call $call): StreamInterface
    {
        return $this->connection->send($call->streamed())->toPsrResponse()->getBody();
    }

    /** Does nocturne answer, and can it serve. @return array<string, mixed> */
    public function ping(): array
    {
        return $this->call(Call::get('/readyz'));
    }

    /** Is the circuit breaker open: nothing but stops is sent for a while. */
    public function isAway(): bool
    {
        return $this->breaker->isOpen();
    }

    protected static function path(string $template, string ...$parts): string
    {
        return sprintf($template, ...array_map('rawurlencode', $parts));
    }
}
