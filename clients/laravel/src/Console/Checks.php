<?php

namespace Nocturne\Laravel\Console;

use Closure;
use Illuminate\Support\Facades\Schema;
use Nocturne\Laravel\Concerns\HasNocturneSession;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;
use Throwable;

/** What must be so before a night, each with what to mend. */
final class Checks
{
    public function __construct(private readonly VoyagerService $voyager)
    {
    }

    /** @return iterable<string, ?string> what is checked → what is wrong and how to mend it, null when it is right */
    public function run(): iterable
    {
        yield 'configuration' => $this->configuration();
        yield 'nocturne answers' => $this->attempt(fn () => $this->answers());
        yield 'server key' => $this->attempt(fn () => $this->key());
        yield 'telescope' => $this->attempt(fn () => $this->telescope());
        yield 'clock' => $this->attempt(fn () => $this->clock());
        yield 'model of bookings' => $this->model();
        yield 'tables' => $this->attempt(fn () => $this->tables());
        yield 'webhook secret' => $this->secret();
    }

    private function configuration(): ?string
    {
        $missing = array_keys(array_filter([
            'VOYAGER_PROXY_URL' => !config('nocturne.url'),
            'VOYAGER_PROXY_API_KEY' => !config('nocturne.key'),
            'NOCTURNE_WEBHOOK_SECRET' => !config('nocturne.webhook.secret'),
            'NOCTURNE_APP_SECRET' => !config('nocturne.app.secret'),
        ]));

        return $missing === [] ? null : 'set ' . implode(', ', $missing) . ' in .env (php artisan nocturne:install asks for them)';
    }

    private function answers(): ?string
    {
        $this->voyager->ping();

        return null;
    }

    private function key(): ?string
    {
        $this->voyager->bookings(['per_page' => 1]);

        return null;
    }

    private function telescope(): ?string
    {
        $ids = array_column($this->voyager->telescopes(), 'id');
        $mine = config('nocturne.telescope');
        if (is_string($mine) && $mine !== '') {
            return in_array($mine, $ids, true) ? null : "NOCTURNE_TELESCOPE is $mine; nocturne has " . implode(', ', $ids);
        }

        return count($ids) === 1 ? null : 'set NOCTURNE_TELESCOPE to one of ' . implode(', ', $ids);
    }

    private function clock(): ?string
    {
        $link = $this->voyager->connectionStatus(config('nocturne.telescope'));
        $offset = $link['clock_offset_seconds'] ?? null;
        $wrong = is_numeric($offset) && abs((float) $offset) > 2;

        return $wrong ? "the observatory's clock is $offset s away from nocturne's; set it by NTP" : null;
    }

    private function model(): ?string
    {
        $class = config('nocturne.booking_model');
        if (!is_string($class) || !class_exists($class)) {
            return "there is no class $class; set NOCTURNE_BOOKING_MODEL";
        }
        $has = in_array(HasNocturneSession::class, class_uses_recursive($class), true);

        return $has ? null : "$class does not use the trait " . HasNocturneSession::class;
    }

    private function tables(): ?string
    {
        $tables = [...array_values(config('nocturne.tables')), 'nocturne_webhooks', 'nocturne_settlements'];
        $missing = array_filter($tables, fn (string $table) => !Schema::hasTable($table));
        if ($missing === [] && !Schema::hasColumn(config('nocturne.tables.bookings'), 'nocturne_sequence')) {
            $missing = ['the columns of ' . config('nocturne.tables.bookings')];
        }

        return $missing === [] ? null : 'missing: ' . implode(', ', $missing) . '; run php artisan migrate';
    }

    private function secret(): ?string
    {
        foreach (array_filter(explode(',', (string) config('nocturne.webhook.secret'))) as $secret) {
            $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : $secret;
            if ($key === false || strlen((string) $key) < 24) {
                return 'NOCTURNE_WEBHOOK_SECRET must be whsec_ and base64 of 24 bytes or more, as WEBHOOK_SECRET of nocturne';
            }
        }

        return null;
    }

    private function attempt(Closure $check): ?string
    {
        try {
            return $check();
        } catch (NocturneException $thrown) {
            return $thrown->getMessage();
        } catch (Throwable $thrown) {
            return get_class($thrown) . ': ' . $thrown->getMessage();
        }
    }
}
