<?php

namespace Nocturne\Laravel\Testing;

use Illuminate\Contracts\Container\Container;
use Illuminate\Support\Str;
use Nocturne\Laravel\Client\Call;
use Nocturne\Laravel\Client\CircuitBreaker;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\VoyagerService;
use Nocturne\Laravel\Webhooks\Aftermath;
use Nocturne\Laravel\Webhooks\Handler;
use Nocturne\Laravel\Webhooks\Message;
use PHPUnit\Framework\Assert;

/** `Nocturne::fake()`: an observatory in memory, for the site's own tests. */
final class NocturneFake extends VoyagerService
{
    private FakeConnection $memory;
    private Container $app;
    private int $sequence = 0;

    public static function make(Container $app): self
    {
        $cache = $app->make('cache')->store('array');
        $memory = new FakeConnection();
        $fake = new self($memory, new CircuitBreaker($cache, 4, 30), $cache, 3600);
        $fake->memory = $memory;
        $fake->app = $app;

        return $fake;
    }

    /** Every call fails as if nobody answered, until away(false). */
    public function away(bool $away = true): self
    {
        $this->memory->away = $away;

        return $this;
    }

    /**
     * The next calls of a path (or of a verb such as `pause`) are refused.
     *
     * @param array<string, list<string>> $errors
     */
    public function refuse(string $path, int $status, string $code, string $detail, array $errors = []): self
    {
        $problem = compact('status', 'code', 'detail') + ($errors === [] ? [] : ['errors' => $errors]);
        $this->memory->refusals[$path] = ProblemException::fromAnswer($status, $problem, null);

        return $this;
    }

    /** @param array<string, mixed> $body */
    public function answer(string $path, array $body): self
    {
        $this->memory->answers[$path] = $body;

        return $this;
    }

    /** The session of a booking runs now: controls are taken. */
    public function running(string $id): self
    {
        $this->memory->move($id, 'running', 'running', 'active');

        return $this;
    }

    /** Handles a webhook as if nocturne had sent it. @param array<string, mixed> $data */
    public function webhook(string $type, ?string $bookingId, array $data = []): bool
    {
        $id = (string) Str::uuid();
        $message = new Message($id, $type, now()->toImmutable(), ++$this->sequence, $bookingId, 'fake', $data);
        $handled = $this->app->make(Handler::class)->handle($message);
        $this->app->make(Aftermath::class)->after($message);

        return $handled;
    }

    public function assertBooked(string $id): self
    {
        Assert::assertArrayHasKey($id, $this->memory->bookings, "Booking $id was not made.");

        return $this;
    }

    public function assertNotBooked(string $id): self
    {
        Assert::assertArrayNotHasKey($id, $this->memory->bookings, "Booking $id was made.");

        return $this;
    }

    /** @param (callable(Call): bool)|null $that */
    public function assertSent(string $method, string $path, ?callable $that = null): self
    {
        $fits = fn (Call $call) => $call->method === $method && $call->path === $path && ($that === null || $that($call));
        Assert::assertNotEmpty(array_filter($this->memory->calls, $fits), "$method $path was not sent.");

        return $this;
    }

    public function assertNothingSent(): self
    {
        Assert::assertSame([], array_map(fn (Call $call) => "$call->method $call->path", $this->memory->calls));

        return $this;
    }
}
