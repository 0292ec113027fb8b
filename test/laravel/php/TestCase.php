<?php

namespace NocturneTests;

use App\Models\EquipmentBooking;
use App\Models\User;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Testing\TestCase as LaravelTestCase;
use Nocturne\Laravel\VoyagerService;

/** The example site, with a database of its own in memory. */
abstract class TestCase extends LaravelTestCase
{
    public const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

    public function createApplication(): Application
    {
        foreach ($this->environment() as $name => $value) {
            putenv("$name=$value");
            $_ENV[$name] = $_SERVER[$name] = $value;
        }
        $app = require __DIR__ . '/../../../clients/laravel/example/bootstrap/app.php';
        $app->make(Kernel::class)->bootstrap();

        return $app;
    }

    /** @return array<string, string> */
    protected function environment(): array
    {
        return [
            'APP_ENV' => 'testing',
            'APP_DEBUG' => 'true',
            'APP_KEY' => 'base64:' . base64_encode(str_repeat('k', 32)),
            'DB_CONNECTION' => 'sqlite',
            'DB_DATABASE' => ':memory:',
            'CACHE_DRIVER' => 'array',
            'SESSION_DRIVER' => 'array',
            'MAIL_MAILER' => 'array',
            'BROADCAST_DRIVER' => 'null',
            'VOYAGER_PROXY_URL' => 'http://nocturne.test',
            'VOYAGER_PROXY_API_KEY' => 'server-key',
            'NOCTURNE_WEBHOOK_SECRET' => self::SECRET,
            'NOCTURNE_APP_SECRET' => 'app-secret',
            'NOCTURNE_TELESCOPE' => 'demo',
        ];
    }

    protected function setUp(): void
    {
        parent::setUp();
        $this->app->make(Kernel::class)->call('migrate', ['--force' => true]);
        config(['nocturne.retry_wait_ms' => 1, 'nocturne.breaker' => ['failures' => 2, 'open_seconds' => 30]]);
    }

    protected function guest(string $name = 'Ada Guest', float $credits = 100): User
    {
        static $n = 0;
        $n++;

        return User::query()->create(['name' => $name, 'email' => "guest$n@example.org", 'password' => 'x', 'credits' => $credits]);
    }

    /** @param array<string, mixed> $more */
    protected function row(User $user, array $more = []): EquipmentBooking
    {
        return EquipmentBooking::query()->create($more + [
            'user_id' => $user->id,
            'telescope_id' => 'demo',
            'start_datetime' => '2030-01-10 22:00:00',
            'end_datetime' => '2030-01-10 23:00:00',
            'status' => 'confirmed',
            'target_name' => 'M 31',
            'target_ra' => '0.7123',
            'target_dec' => '41.269',
            'shots' => [['filter' => 'L', 'exposure' => 120, 'quantity' => 10]],
            'credits' => 10,
        ]);
    }

    protected function voyager(): VoyagerService
    {
        return $this->app->make(VoyagerService::class);
    }

    /** A webhook as nocturne writes it. @param array<string, mixed> $data */
    protected function body(string $type, ?string $booking, array $data, int $sequence = 1, ?string $id = null): string
    {
        return (string) json_encode([
            'id' => $id ?? "w-$type-$booking-$sequence",
            'type' => $type,
            'created_at' => now()->toIso8601String(),
            'sequence' => $sequence,
            'booking_id' => $booking,
            'telescope_id' => 'demo',
            'data' => (object) $data,
        ]);
    }

    /** @return array<string, string> headers of Standard Webhooks 1.0 */
    protected function signed(string $body, ?int $timestamp = null, string $secret = self::SECRET): array
    {
        $id = (string) json_decode($body, true)['id'];
        $timestamp ??= now()->getTimestamp();
        $key = base64_decode(substr($secret, 6));
        $signature = base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));

        return ['webhook-id' => $id, 'webhook-timestamp' => (string) $timestamp, 'webhook-signature' => "v1,$signature"];
    }

    /** @param array<string, string> $headers */
    protected function deliver(string $body, array $headers): \Illuminate\Testing\TestResponse
    {
        $server = $this->transformHeadersToServerVars($headers + ['Content-Type' => 'application/json']);

        return $this->call('POST', '/nocturne/webhooks', [], [], [], $server, $body);
    }
}
