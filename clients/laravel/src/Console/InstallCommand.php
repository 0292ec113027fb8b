<?php

namespace Nocturne\Laravel\Console;

use Illuminate\Console\Command;

final class InstallCommand extends Command
{
    /** Variable → question and what stands there by itself. */
    private const ASK = [
        'VOYAGER_PROXY_URL' => ['Where does nocturne answer?', 'http://127.0.0.1:3000'],
        'VOYAGER_PROXY_API_KEY' => ['Server key (VOYAGER_PROXY_API_KEY of nocturne)', null],
        'NOCTURNE_WEBHOOK_SECRET' => ['Webhook secret (left empty: a new one)', ''],
        'NOCTURNE_APP_KEY' => ['Key of the live stream (PUSHER_APP_KEY of nocturne)', 'nocturne'],
        'NOCTURNE_APP_SECRET' => ['Secret of the live stream (PUSHER_APP_SECRET of nocturne)', null],
        'NOCTURNE_TELESCOPE' => ['Telescope (left empty: there is one)', ''],
    ];
    private const SECRET = ['VOYAGER_PROXY_API_KEY', 'NOCTURNE_WEBHOOK_SECRET', 'NOCTURNE_APP_SECRET'];

    protected $signature = 'nocturne:install {--check : only checks, asks nothing}';
    protected $description = 'Asks for the six settings, writes them to .env, publishes the configuration, and checks';

    public function handle(): int
    {
        if (!$this->option('check')) {
            $given = [];
            foreach (self::ASK as $name => [$question, $default]) {
                $given[$name] = $this->value($name, $question, $default);
            }
            $this->write($this->laravel->environmentFilePath(), $given);
            $this->callSilent('vendor:publish', ['--tag' => 'nocturne-config']);
            $this->apply($given);
            $address = url(config('nocturne.routes.prefix') . '/' . config('nocturne.webhook.path'));
            $this->line('Give nocturne these two settings:');
            $this->line("  WEBHOOK_URL=$address");
            $this->line('  WEBHOOK_SECRET=(the value of NOCTURNE_WEBHOOK_SECRET in .env)');
        }
        $wrong = 0;
        // Made only now: what was made before the questions has the old settings.
        foreach ($this->laravel->make(Checks::class)->run() as $what => $problem) {
            $problem === null ? $this->info("ok      $what") : $this->warn("MEND    $what: $problem");
            $wrong += $problem === null ? 0 : 1;
        }

        return $wrong === 0 ? self::SUCCESS : self::FAILURE;
    }

    private function value(string $name, string $question, ?string $default): string
    {
        $now = env($name);
        $keep = is_string($now) && $now !== '' ? $now : null;
        $secret = in_array($name, self::SECRET, true);
        if ($secret) {
            $asked = $this->secret($question . ($keep === null ? '' : ' (left empty: unchanged)'));
        } else {
            $asked = $this->ask($question, $keep ?? $default);
        }
        $value = is_string($asked) && trim($asked) !== '' ? trim($asked) : ($keep ?? (string) $default);
        if ($name === 'NOCTURNE_WEBHOOK_SECRET' && $value === '') {
            return 'whsec_' . base64_encode(random_bytes(24));
        }

        return $value;
    }

    /** @param array<string, string> $given */
    private function write(string $path, array $given): void
    {
        $text = is_file($path) ? (string) file_get_contents($path) : '';
        foreach ($given as $name => $value) {
            $line = $name . '=' . (preg_match('/[\s#"\'$]/', $value) === 1 ? '"' . addcslashes($value, '"\\$') . '"' : $value);
            $count = 0;
            $text = (string) preg_replace_callback("/^$name=.*$/m", fn () => $line, $text, 1, $count);
            if ($count === 0) {
                $text = rtrim($text, "\n") . "\n$line\n";
            }
        }
        $part = "$path.nocturne";
        file_put_contents($part, ltrim($text, "\n"));
        if (is_file($path)) {
            chmod($part, fileperms($path) & 0777);
        }
        rename($part, $path);
    }

    /** This process was started with the old settings. @param array<string, string> $given */
    private function apply(array $given): void
    {
        config([
            'nocturne.url' => rtrim($given['VOYAGER_PROXY_URL'], '/'),
            'nocturne.public_url' => rtrim((string) env('NOCTURNE_PUBLIC_URL', $given['VOYAGER_PROXY_URL']), '/'),
            'nocturne.key' => $given['VOYAGER_PROXY_API_KEY'],
            'nocturne.webhook.secret' => $given['NOCTURNE_WEBHOOK_SECRET'],
            'nocturne.app.key' => $given['NOCTURNE_APP_KEY'],
            'nocturne.app.secret' => $given['NOCTURNE_APP_SECRET'],
            'nocturne.telescope' => $given['NOCTURNE_TELESCOPE'] ?: null,
        ]);
    }
}
