<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;
use Illuminate\Support\Facades\DB;
use Nocturne\Laravel\Models\ObservationImage;
use Nocturne\Laravel\Models\ObservationLog;

final class PruneCommand extends Command
{
    protected $signature = 'nocturne:prune {--dry : only counts}';
    protected $description = 'Deletes old log lines, rows of images without a copy here, and ids of old webhooks';

    public function handle(): int
    {
        $keep = (int) config('nocturne.webhook.keep_days') + 1;
        $work = ['webhook ids' => DB::table('nocturne_webhooks')->where('handled_at', '<', now()->subDays($keep))];
        if (config('nocturne.prune.logs_days') !== null) {
            $work['log lines'] = ObservationLog::query()->prunable((int) config('nocturne.prune.logs_days'));
        }
        if (config('nocturne.prune.images_days') !== null) {
            $work['images'] = ObservationImage::query()->prunable((int) config('nocturne.prune.images_days'));
        }
        foreach ($work as $name => $query) {
            $count = $this->option('dry') ? $query->count() : $query->delete();
            $this->line("$name: $count");
        }

        return self::SUCCESS;
    }
}
