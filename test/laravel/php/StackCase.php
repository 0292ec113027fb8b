<?php

namespace NocturneTests;

/** The example site against the running stack; its database is that of the site which receives the webhooks. */
abstract class StackCase extends TestCase
{
    /** @return array<string, string> */
    protected function environment(): array
    {
        $given = [];
        $names = ['VOYAGER_PROXY_URL', 'VOYAGER_PROXY_API_KEY', 'NOCTURNE_WEBHOOK_SECRET', 'NOCTURNE_APP_SECRET', 'NOCTURNE_TELESCOPE', 'DB_DATABASE'];
        foreach ($names as $name) {
            $given[$name] = (string) getenv("STACK_$name");
        }

        return $given + parent::environment();
    }

    protected function setUp(): void
    {
        if (getenv('STACK_VOYAGER_PROXY_URL') === false) {
            $this->markTestSkipped('needs the running stack: npx jest test/laravel');
        }
        parent::setUp();
        config(['nocturne.retry_wait_ms' => 100]);
    }

    /** Asks again until it is so. */
    protected function until(string $what, callable $so, int $seconds = 40): mixed
    {
        $end = microtime(true) + $seconds;
        do {
            $found = $so();
            if ($found) {
                return $found;
            }
            usleep(150_000);
        } while (microtime(true) < $end);
        $this->fail("not within $seconds s: $what");
    }

    /** What stands between this process and the api: `through`, `away`, or `kill-api-on-put`. */
    protected function wire(string $mode): void
    {
        file_get_contents(getenv('STACK_WIRE_URL') . "/mode/$mode");
    }

    /** Connections that were tried since the start. */
    protected function connections(): int
    {
        return (int) file_get_contents(getenv('STACK_WIRE_URL') . '/connections');
    }

    /** @return array<string, mixed> a target that stands high, and filters */
    protected function sky(): array
    {
        return json_decode((string) getenv('STACK_TARGET'), true);
    }

    /** What the second receiver wrote down. @return list<array{headers: array<string, string>, body: string}> */
    protected function deliveries(): array
    {
        $lines = file((string) getenv('STACK_DELIVERIES'), FILE_IGNORE_NEW_LINES) ?: [];

        return array_map(fn (string $line) => json_decode($line, true), $lines);
    }
}
