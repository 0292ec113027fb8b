<?php

namespace Nocturne\Laravel\Client;

use GuzzleHttp\Exception\TransferException;
use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Factory;
use Illuminate\Http\Client\PendingRequest;
use Illuminate\Http\Client\Response;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\Exceptions\Unreachable;
use Psr\Log\LoggerInterface;

/**
 * One request to nocturne: key, timeouts, repetition where repeating is safe, circuit breaker, and a line in the log. Every call is repeatable: reads
 * by nature, PUT and DELETE by their address, POST by its Idempotency-Key.
 */
class Connection
{
    /** Longest wait that an answer's Retry-After may ask of a page. */
    private const RETRY_AFTER_MAX_MS = 3000;

    /** @param array<string, mixed> $config */
    public function __construct(
        private readonly Factory $http,
        private readonly CircuitBreaker $breaker,
        private readonly LoggerInterface $log,
        private readonly array $config,
    ) {
    }

    /**
     * @return array<string, mixed>
     * @throws ProblemException when nocturne refuses
     * @throws Unreachable when nobody answers
     */
    public function json(Call $call): array
    {
        $answer = $this->send($call)->json();

        return is_array($answer) ? $answer : [];
    }

    /** The answer as it came, for files. */
    public function send(Call $call): Response
    {
        $wait = $call->always ? 0 : $this->breaker->waitSeconds();
        if ($wait > 0) {
            $this->write('warning', $call, ['breaker' => 'open']);
            $text = "nocturne did not answer lately; the next attempt is in $wait s";
            throw new Unreachable($text, false, $call->idempotencyKey, $wait);
        }
        $tries = max(1, (int) $this->config['tries']);
        for ($attempt = 1;; $attempt++) {
            $last = $attempt >= $tries;
            try {
                $response = $this->once($call, $attempt);
            } catch (ConnectionException | TransferException $thrown) {
                if ($last) {
                    $this->breaker->failed();
                    $text = 'nocturne does not answer: ' . $thrown->getMessage();
                    throw new Unreachable($text, true, $call->idempotencyKey, null, $thrown);
                }
                $this->pause($attempt, null);
                continue;
            }
            if ($response->successful()) {
                $this->breaker->succeeded();

                return $response;
            }
            if (!$last && $this->passes($response)) {
                $this->pause($attempt, $response->header('Retry-After'));
                continue;
            }
            throw $this->refusal($call, $response);
        }
    }

    /** A connection that was cut in the middle is Guzzle's own exception; Laravel makes its own of one that was never made. */
    private function once(Call $call, int $attempt): Response
    {
        $started = microtime(true);
        try {
            $response = $this->request($call)->send($call->method, $this->config['url'] . $call->path, $call->options());
        } catch (ConnectionException | TransferException $thrown) {
            $this->write('error', $call, ['attempt' => $attempt, 'error' => 'no answer', 'ms' => $this->since($started)]);
            throw $thrown;
        }
        $this->write($response->successful() ? 'info' : 'warning', $call, [
            'attempt' => $attempt,
            'status' => $response->status(),
            'ms' => $this->since($started),
            'request_id' => $response->header('X-Request-Id') ?: $response->json('request_id'),
        ]);

        return $response;
    }

    private function request(Call $call): PendingRequest
    {
        $headers = ['X-API-Key' => (string) $this->config['key'], 'Accept-Language' => app()->getLocale()];
        if ($call->idempotencyKey !== null) {
            $headers['Idempotency-Key'] = $call->idempotencyKey;
        }

        return $this->http->withHeaders($headers + $call->headers)
            ->acceptJson()
            ->withOptions(['connect_timeout' => $this->config['connect_timeout'], 'allow_redirects' => false])
            ->timeout($call->timeout ?? (int) $this->config['timeout']);
    }

    /** Does this refusal pass by itself: too many requests, a server that restarts, the same request still under way. */
    private function passes(Response $response): bool
    {
        return in_array($response->status(), [429, 502, 503, 504], true)
            || ($response->status() === 409 && $response->json('code') === 'in_progress');
    }

    private function refusal(Call $call, Response $response): ProblemException|Unreachable
    {
        $status = $response->status();
        $problem = $response->json();
        if ($status >= 500) {
            $this->breaker->failed();
        } else {
            $this->breaker->succeeded();
        }
        $away = in_array($status, [502, 504], true) || ($status === 503 && !is_array($problem));
        if ($away) {
            return new Unreachable("nocturne is away (HTTP $status)", true, $call->idempotencyKey);
        }

        $requestId = $response->header('X-Request-Id') ?: null;

        return ProblemException::fromAnswer($status, is_array($problem) ? $problem : [], $requestId);
    }

    private function pause(int $attempt, ?string $retryAfter): void
    {
        $own = (int) $this->config['retry_wait_ms'] * 2 ** ($attempt - 1);
        $asked = is_numeric($retryAfter) ? (int) ((float) $retryAfter * 1000) : 0;
        usleep(1000 * min(self::RETRY_AFTER_MAX_MS, max($own, $asked)));
    }

    private function since(float $started): int
    {
        return (int) round((microtime(true) - $started) * 1000);
    }

    /** @param array<string, mixed> $context */
    private function write(string $level, Call $call, array $context): void
    {
        $this->log->log($level, "$call->method $call->path", $context);
    }
}
