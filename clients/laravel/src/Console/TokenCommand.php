<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;

final class TokenCommand extends Command
{
    protected $signature = 'nocturne:token {subject : id of a booking, ref of a user, or a name for an admin}
        {--kind=booking : booking, user or admin} {--view : without controls, for a spectator}';
    protected $description = 'Makes a token and prints the link of the guest\'s page';

    public function handle(VoyagerService $voyager): int
    {
        $scopes = $this->option('view') ? ['session:view'] : null;
        try {
            $token = $voyager->token((string) $this->option('kind'), (string) $this->argument('subject'), $scopes);
        } catch (NocturneException $thrown) {
            $this->error($thrown->getMessage());

            return self::FAILURE;
        }
        $this->line($token->controlUrl ?? $token->token);
        $this->line('valid until ' . $token->expiresAt?->toIso8601String());

        return self::SUCCESS;
    }
}
