<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;

final class ReplayCommand extends Command
{
    protected $signature = 'nocturne:replay {booking? : all messages of this booking; left out, all that were given up}';
    protected $description = 'Asks nocturne to deliver webhooks again; what was handled already changes nothing';

    public function handle(VoyagerService $voyager): int
    {
        $booking = $this->argument('booking');
        try {
            $count = $voyager->replayWebhooks(is_string($booking) ? $booking : null);
        } catch (NocturneException $thrown) {
            $this->error($thrown->getMessage());

            return self::FAILURE;
        }
        $this->info("$count messages are on their way again");

        return self::SUCCESS;
    }
}
