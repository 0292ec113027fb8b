<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;

final class PingCommand extends Command
{
    protected $signature = 'nocturne:ping';
    protected $description = 'Does nocturne answer, and does it hear the observatory';

    public function handle(VoyagerService $voyager): int
    {
        $started = microtime(true);
        try {
            $voyager->ping();
            $ms = (int) round((microtime(true) - $started) * 1000);
            $this->info(config('nocturne.url') . " answers ($ms ms)");
            $link = $voyager->connectionStatus(config('nocturne.telescope'));
        } catch (NocturneException $thrown) {
            $this->error($thrown->getMessage());

            return self::FAILURE;
        }
        $heard = ($link['connected'] ?? false) === true;
        $age = $link['last_message_age_seconds'] ?? null;
        $this->line($heard ? "Voyager is connected; last heard $age s ago" : 'Voyager is not connected: ' . ($link['reason'] ?? 'unknown'));

        return $heard ? self::SUCCESS : self::FAILURE;
    }
}
