<?php

namespace Nocturne\Laravel\Testing;

use GuzzleHttp\Psr7\Response as PsrResponse;
use Illuminate\Http\Client\Response;
use Nocturne\Laravel\Client\Call;
use Nocturne\Laravel\Client\Connection;
use Nocturne\Laravel\Exceptions\NotFound;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\Exceptions\Refused;
use Nocturne\Laravel\Exceptions\Unreachable;

/** Answers calls from memory, as nocturne would; what it does not know is 404, never a made-up success. */
final class FakeConnection extends Connection
{
    /** @var list<Call> */
    public array $calls = [];
    /** @var array<string, array<string, mixed>> */
    public array $bookings = [];
    /** @var array<string, mixed> path → body */
    public array $answers = [];
    /** @var array<string, ProblemException> path or verb → what it is refused with */
    public array $refusals = [];
    public bool $away = false;

    public function __construct()
    {
    }

    public function send(Call $call): Response
    {
        return new Response(new PsrResponse(200, ['Content-Type' => 'application/json'], (string) json_encode($this->answer($call))));
    }

    /** @return array<string, mixed> */
    private function answer(Call $call): array
    {
        $this->calls[] = $call;
        if ($this->away) {
            throw new Unreachable('nocturne does not answer (fake)', true, $call->idempotencyKey);
        }
        foreach ($this->refusals as $pattern => $problem) {
            if ($pattern === $call->path || str_ends_with($call->path, "/$pattern")) {
                throw $problem;
            }
        }
        if (isset($this->answers[$call->path])) {
            return $this->answers[$call->path];
        }
        if (preg_match('#^/api/bookings/([^/]+)(?:/(\w+))?$#', $call->path, $found) === 1 && $found[1] !== 'check') {
            return $this->booking($call, rawurldecode($found[1]), $found[2] ?? null);
        }

        return match ($call->path) {
            '/readyz' => ['ok' => true, 'checks' => []],
            '/api/bookings' => ['data' => array_values($this->bookings), 'meta' => ['next_cursor' => null]],
            '/api/bookings/check' => $this->check(),
            '/api/tokens' => $this->token($call->body ?? []),
            '/api/telescopes' => ['data' => [['id' => 'fake', 'name' => 'Fake', 'filters' => ['L', 'R', 'G', 'B']]]],
            '/api/dashboard/state' => $this->state(),
            default => throw new NotFound(404, 'not_found', "The fake has no answer for $call->path; give it one with answer()."),
        };
    }

    /** @return array<string, mixed> */
    private function booking(Call $call, string $id, ?string $verb): array
    {
        if ($call->method === 'PUT') {
            $before = $this->bookings[$id] ?? [];

            return $this->bookings[$id] = ['id' => $id] + ($call->body ?? []) + $before + [
                'phase' => 'scheduled', 'status' => 'confirmed', 'access_state' => 'upcoming', 'outcome' => null,
                'images_captured' => 0,
            ];
        }
        $booking = $this->bookings[$id] ?? throw new NotFound(404, 'not_found', "No booking $id.");
        if ($call->method === 'DELETE') {
            $this->move($id, 'cancelled', 'cancelled', 'cancelled');

            return $this->receipt('cancel', $call);
        }
        if ($call->method === 'PATCH') {
            return $this->bookings[$id] = ($call->body ?? []) + $booking;
        }
        if ($verb === 'pause' || $verb === 'resume') {
            if ($booking['status'] !== 'running') {
                throw new Refused(409, 'control_refused', 'This is possible only during the slot.');
            }
            $this->bookings[$id]['phase'] = $verb === 'pause' ? 'holding' : 'running';

            return $this->receipt($verb, $call);
        }
        if ($verb === 'abort') {
            $this->move($id, 'aborted', 'completed', 'finished');

            return $this->receipt('abort', $call);
        }
        if ($verb === 'reschedule' || $verb === 'extend') {
            $this->bookings[$id] = array_intersect_key($call->body ?? [], ['start' => 0, 'end' => 0]) + $booking;

            return $this->receipt($verb, $call);
        }

        return match ($verb) {
            null => $booking,
            'images', 'logs' => ['data' => [], 'meta' => ['next_cursor' => null]],
            default => throw new NotFound(404, 'not_found', "The fake has no answer for $call->path; give it one with answer()."),
        };
    }

    public function move(string $id, string $phase, string $status, string $access): void
    {
        $final = in_array($phase, ['completed', 'cancelled', 'aborted', 'weathered_out', 'failed'], true);
        $this->bookings[$id] = [
            'phase' => $phase, 'status' => $status, 'access_state' => $access, 'outcome' => $final ? $phase : null,
        ] + ($this->bookings[$id] ?? ['id' => $id]);
    }

    /** @return array<string, mixed> */
    private function receipt(string $kind, Call $call): array
    {
        $id = $call->idempotencyKey ?? 'fake-' . count($this->calls);

        return ['command_id' => $id, 'kind' => $kind, 'state' => 'confirmed', 'at' => now()->toIso8601String()];
    }

    /** @return array<string, mixed> */
    private function check(): array
    {
        return ['ok' => true, 'errors' => [], 'fits' => true, 'estimated_seconds' => 3000, 'usable_seconds' => 3600,
            'credits' => 10, 'conflict' => null];
    }

    /** @return array<string, mixed> */
    private function state(): array
    {
        return ['voyager_status' => 'IDLE', 'stale' => false, 'updated_at' => now()->toIso8601String(), 'equipment' => [],
            'sequence' => null, 'exposure' => null, 'warnings' => []];
    }

    /**
     * @param array<string, mixed> $body
     * @return array<string, mixed>
     */
    private function token(array $body): array
    {
        $token = 'fake-' . $body['kind'] . '-' . $body['subject'];

        return ['token' => $token, 'id' => $token, 'control_url' => "http://fake/control/{$body['subject']}#token=$token",
            'expires_at' => now()->addDay()->toIso8601String()] + $body;
    }
}
