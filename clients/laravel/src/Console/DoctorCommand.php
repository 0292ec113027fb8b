<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;

final class DoctorCommand extends Command
{
    protected $signature = 'nocturne:doctor';
    protected $description = 'Checks everything between this site and nocturne, and says what to mend';

    public function handle(Checks $checks): int
    {
        $wrong = 0;
        foreach ($checks->run() as $what => $problem) {
            if ($problem === null) {
                $this->info("ok      $what");
                continue;
            }
            $wrong++;
            $this->error("MEND    $what: $problem");
        }

        return $wrong === 0 ? self::SUCCESS : self::FAILURE;
    }
}
