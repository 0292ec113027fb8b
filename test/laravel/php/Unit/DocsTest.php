<?php

namespace NocturneTests\Unit;

use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;
use Nocturne\Laravel\Console\InstallCommand;
use Nocturne\Laravel\Exceptions\Unreachable;
use Nocturne\Laravel\Facades\Nocturne;
use NocturneTests\TestCase;
use Symfony\Component\Console\Tester\CommandTester;

/** What docs/laravel.md shows is run as it stands there. */
final class DocsTest extends TestCase
{
    public function testEverySnippetOfPhpRuns(): void
    {
        $snippets = $this->snippets('php');
        $this->assertGreaterThanOrEqual(4, count($snippets));
        foreach ($snippets as $n => $snippet) {
            Nocturne::fake()->running('42');
            $row = $this->row($this->guest(), ['id' => 42 + 100 * $n]);
            $file = storage_path("snippet$n.php");
            file_put_contents($file, "<?php\n\nnamespace Snippet$n;\n\n$snippet");
            (static function (string $file, object $row): void {
                require $file;
            })($file, $row);
        }
        $this->assertContains('Nocturne\Laravel\Concerns\HasNocturneSession', class_uses('Snippet0\EquipmentBooking'));
    }

    public function testEverySnippetOfBladeRenders(): void
    {
        Nocturne::fake();
        $booking = $this->row($this->guest());
        $this->actingAs($booking->user);
        foreach ($this->snippets('blade') as $n => $snippet) {
            $file = storage_path("snippet$n.blade.php");
            file_put_contents($file, $snippet);
            $html = $this->app['view']->file($file, ['booking' => $booking])->render();
            preg_match_all('/<x-nocturne::([\w-]+)/', $snippet, $names);
            foreach ($names[1] as $name) {
                $this->assertStringContainsString("data-nocturne=\"$name\"", $html);
            }
        }
    }

    public function testEveryMethodCommandAndRouteThatIsNamedIsThere(): void
    {
        Nocturne::fake();
        $guide = $this->guide();
        preg_match('/\| \| methods \|(.*?)\n\n/s', $guide, $table);
        preg_match_all('/`(\w+)`/', $table[1], $methods);
        $this->assertGreaterThan(35, count($methods[1]));
        foreach ($methods[1] as $method) {
            $this->assertTrue(method_exists($this->voyager(), $method), $method);
        }
        preg_match_all('/nocturne:[a-z]+/', $guide, $commands);
        foreach (array_unique($commands[0]) as $command) {
            $this->assertArrayHasKey($command, $this->app->make(Kernel::class)->all());
        }
        preg_match_all('/^([A-Z_]+)=/m', implode($this->snippets('env')), $settings);
        $config = (string) file_get_contents(__DIR__ . '/../../../../clients/laravel/config/nocturne.php');
        foreach ($settings[1] as $setting) {
            $this->assertStringContainsString("'$setting'", $config);
        }
        preg_match('/^Below `\/nocturne`.*$/m', $guide, $routes);
        preg_match_all('/`([a-z\/{}]+)`/', explode('bookings/{id}/`', $routes[0])[1], $names);
        $known = array_map(fn ($route) => $route->uri(), iterator_to_array(Route::getRoutes()));
        foreach ($names[1] as $name) {
            $this->assertContains("nocturne/bookings/{booking}/$name", $known);
        }
    }

    public function testInstallAsksWritesTheSettingsAndKeepsWhatStands(): void
    {
        $fake = Nocturne::fake();
        $fake->answer('/api/telescopes', ['data' => [['id' => 'demo']]])->answer('/api/status/connection', ['connected' => true]);
        [$tester, $folder] = $this->installer();
        $tester->setInputs(['http://10.0.0.5:3000', 'a key$with "marks"', '', 'nocturne', 'a secret', 'demo']);
        $this->assertSame(0, $tester->execute([]), $tester->getDisplay());
        $written = (string) file_get_contents("$folder/.env");
        $this->assertStringContainsString("APP_NAME=Stellar\nVOYAGER_PROXY_URL=http://10.0.0.5:3000\n", $written);
        $this->assertStringContainsString('VOYAGER_PROXY_API_KEY="a key\$with \"marks\""', $written);
        $read = \Dotenv\Dotenv::parse($written);
        $this->assertSame('a key$with "marks"', $read['VOYAGER_PROXY_API_KEY']);
        $this->assertSame(0600, fileperms("$folder/.env") & 0777);
        $this->assertStringNotContainsString('a secret', $tester->getDisplay());
        $this->assertStringContainsString('WEBHOOK_URL=', $tester->getDisplay());
        $this->assertFileExists("$folder/config/nocturne.php");
    }

    public function testInstallChecksWithTheSettingsThatItWasJustGiven(): void
    {
        Http::fake(['*' => Http::response(['data' => [['id' => 'demo']]])]);
        [$tester] = $this->installer();
        $tester->setInputs(['http://10.0.0.5:3000', 'the new key', '', 'nocturne', 'a secret', 'demo']);
        $tester->execute([]);
        $asked = Http::recorded()->map(fn (array $pair) => [parse_url($pair[0]->url(), PHP_URL_HOST), $pair[0]->header('X-API-Key')]);
        $this->assertNotEmpty($asked);
        $this->assertSame([['10.0.0.5', ['the new key']]], $asked->unique()->values()->all());
    }

    /** The command in a folder of its own. @return array{CommandTester, string} */
    private function installer(): array
    {
        $folder = storage_path('install');
        @mkdir("$folder/config", 0o777, true);
        file_put_contents("$folder/.env", "APP_NAME=Stellar\nVOYAGER_PROXY_URL=http://old\n");
        chmod("$folder/.env", 0o600);
        $this->app->setBasePath($folder);
        $source = __DIR__ . '/../../../../clients/laravel/config/nocturne.php';
        ServiceProvider::$publishGroups['nocturne-config'] = [$source => "$folder/config/nocturne.php"];
        $command = $this->app->make(InstallCommand::class);
        $command->setLaravel($this->app);
        $command->setApplication((fn () => $this->getArtisan())->call($this->app->make(Kernel::class)));

        return [new CommandTester($command), $folder];
    }

    public function testAnAnswerThatNobodyHeardNamesItsKey(): void
    {
        Nocturne::fake()->away();
        try {
            $this->voyager()->abort('42', null, 'mine');
            $this->fail('it was heard');
        } catch (Unreachable $thrown) {
            $this->assertSame([true, 'mine'], [$thrown->sent, $thrown->idempotencyKey]);
        }
    }

    private function guide(): string
    {
        return (string) file_get_contents(__DIR__ . '/../../../../docs/laravel.md');
    }

    /** @return list<string> */
    private function snippets(string $language): array
    {
        preg_match_all("/```$language\n(.*?)```/s", $this->guide(), $found);

        return $found[1];
    }
}
