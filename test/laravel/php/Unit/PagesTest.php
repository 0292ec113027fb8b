<?php

namespace NocturneTests\Unit;

use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;
use Nocturne\Laravel\Client\Call;
use Nocturne\Laravel\Facades\Nocturne;
use Nocturne\Laravel\Models\ObservationLog;
use NocturneTests\TestCase;

/** Routes, channels, views, commands and migrations, each for the person whose session it is and for others. */
final class PagesTest extends TestCase
{
    private const GUID = '22222222-2222-4222-8222-222222222222';

    public function testControlsAreForThePersonWhoBooked(): void
    {
        $fake = Nocturne::fake();
        $owner = $this->guest();
        $row = $this->row($owner);
        $fake->webhook('session.started', (string) $row->id, ['phase' => 'running', 'status' => 'running', 'target_guid' => self::GUID]);
        $this->voyager()->book((string) $row->id, $row->toNocturne());
        $fake->running((string) $row->id);
        $paths = ['post pause', 'post resume', 'post abort', 'post toggle', 'get status', 'get images', 'get logs', 'get stats',
            'get preview', 'get offers', 'post rebook'];
        foreach ($paths as $path) {
            [$method, $verb] = explode(' ', $path);
            $address = "/nocturne/bookings/$row->id/$verb";
            $this->assertSame(401, $this->json($method, $address)->status(), "$path without a login");
            $this->assertSame(404, $this->actingAs($this->guest())->json($method, $address)->status(), "$path by another");
            $this->app['auth']->guard()->logout();
        }
        $this->actingAs($owner);
        $this->postJson("/nocturne/bookings/$row->id/pause", [], ['Idempotency-Key' => 'mine'])->assertOk()->assertJsonPath('command_id', 'mine');
        $this->postJson("/nocturne/bookings/$row->id/toggle", ['operation' => 0])->assertOk()->assertJsonPath('kind', 'resume');
        $this->getJson("/nocturne/bookings/$row->id/status")->assertOk()->assertJsonPath('voyager_status', 'IDLE')->assertJsonPath('source', 'live');
        $this->postJson("/nocturne/bookings/$row->id/abort")->assertOk()->assertJsonPath('state', 'confirmed');
        $this->postJson("/nocturne/bookings/$row->id/pause")->assertStatus(409)->assertJsonPath('code', 'control_refused');
    }

    public function testAStateThatNobodyKnowsIsShownAsUnknown(): void
    {
        $fake = Nocturne::fake();
        $user = $this->guest();
        $row = $this->row($user);
        $this->actingAs($user)->getJson("/nocturne/bookings/$row->id/status")->assertOk()
            ->assertJsonPath('voyager_status', 'UNDEFINED')->assertJsonPath('source', 'none');
        $row->forceFill(['voyager_target_guid' => self::GUID])->save();
        $this->getJson("/nocturne/bookings/$row->id/status")->assertJsonPath('source', 'live');
        $fake->away();
        $this->getJson("/nocturne/bookings/$row->id/status")->assertOk()
            ->assertJsonPath('source', 'cache')->assertJsonPath('voyager_status', 'UNDEFINED')->assertJsonPath('last_known.voyager_status', 'IDLE');
        $this->postJson("/nocturne/bookings/$row->id/abort")->assertStatus(503)->assertJsonPath('outcome', 'unknown');
        $guests = fn (Call $call) => ($call->body['requested_by'] ?? null) === 'guest';
        $fake->assertSent('POST', "/api/bookings/$row->id/abort", $guests);
    }

    public function testChannelsAreSignedForTheOwnerAndRefusedToOthers(): void
    {
        Nocturne::fake();
        $owner = $this->guest('Ada Marie Guest');
        $row = $this->row($owner);
        $ask = fn (string $channel, string $socket = '12.34') => $this->postJson(
            '/nocturne/broadcasting/auth',
            ['channel_name' => $channel, 'socket_id' => $socket],
        );
        $private = "private-session.$row->id";
        $this->assertSame(401, $ask($private)->status());
        $this->actingAs($owner);
        $expected = 'nocturne:' . hash_hmac('sha256', "12.34:$private", 'app-secret');
        $ask($private)->assertOk()->assertExactJson(['auth' => $expected]);
        $ask("private-cache-session.$row->id.state")->assertOk();
        $presence = $ask('presence-telescope.demo')->assertOk()->json();
        $member = json_decode($presence['channel_data'], true);
        $this->assertSame(['role' => 'guest', 'initials' => 'AM'], $member['user_info']);
        $this->assertNotSame((string) $owner->id, $member['user_id']);
        $this->assertSame('nocturne:' . hash_hmac('sha256', "12.34:presence-telescope.demo:{$presence['channel_data']}", 'app-secret'), $presence['auth']);
        foreach (['presence-telescope.other', 'private-admin', 'private-session.999', "private-session.$row->id:x", 'public', ''] as $foreign) {
            $this->assertSame(403, $ask($foreign)->status(), $foreign);
        }
        $this->assertSame(403, $ask($private, "1.2:private-admin")->status(), 'a socket id that would sign something else');
        $this->actingAs($this->guest());
        $this->assertSame(403, $ask($private)->status());
        $this->assertSame(403, $ask('presence-telescope.demo')->status());
    }

    public function testTheSitesOwnBroadcasterKnowsTheSameChannels(): void
    {
        Nocturne::fake();
        $row = $this->row($this->guest());
        $channels = (fn () => $this->channels)->call(Broadcast::driver());
        $this->assertTrue(isset($channels['session.{booking}'], $channels['booking.{booking}'], $channels['telescope.{telescope}']));
        $this->assertTrue($channels['booking.{booking}']($row->user, (string) $row->id));
        $this->assertFalse($channels['session.{booking}']($this->guest(), (string) $row->id));
        $this->assertFalse($channels['telescope.{telescope}']($this->guest(), 'demo'));
    }

    public function testTheControlComponentCarriesATokenOfOneSessionAndNeverTheServerKey(): void
    {
        Nocturne::fake();
        $row = $this->row($this->guest());
        $view = '<x-nocturne::control :booking="$booking" />';
        $this->assertStringNotContainsString('data-nocturne', $this->render($view, ['booking' => $row]), 'nobody is signed in');
        $this->actingAs($row->user);
        $html = $this->render($view, ['booking' => $row]);
        $this->assertStringContainsString("token: 'fake-booking-$row->id'", $html);
        $this->assertStringContainsString('http://nocturne.test/assets/telescope-control.js', $html);
        $this->assertStringNotContainsString('server-key', $html);
        $framed = $this->render('<x-nocturne::control :booking="$booking" frame />', ['booking' => $row]);
        $this->assertStringContainsString("src=\"http://nocturne.test/control/$row->id#token=fake-booking-$row->id\"", $framed);
    }

    public function testViewsSayThatTheObservatoryIsAway(): void
    {
        $fake = Nocturne::fake();
        $row = $this->row($this->guest());
        $this->actingAs($row->user);
        $fake->webhook('session.started', (string) $row->id, ['phase' => 'running', 'status' => 'running']);
        $fake->away();
        foreach (['control', 'report', 'booking-form'] as $name) {
            $html = $this->render("<x-nocturne::$name :booking=\"\$booking\" />", ['booking' => $row]);
            $this->assertStringContainsString(trans('nocturne::nocturne.unavailable'), $html, $name);
        }
        $timeline = $this->render('<x-nocturne::timeline :booking="$booking" />', ['booking' => $row]);
        $this->assertStringContainsString(trans('nocturne::nocturne.timeline.away'), $timeline);
        $this->assertStringContainsString('Started.', $timeline);
        $list = $this->render('<x-nocturne::observations route="night" />');
        $this->assertStringContainsString("/nights/$row->id\"", $list);
    }

    public function testTheExampleShowsTheOperatorsAnswerOnceAndTheProgressOfThePlan(): void
    {
        $fake = Nocturne::fake();
        $row = $this->row($this->guest());
        $answer = ['complaint_id' => 'c1', 'image_id' => null, 'text' => 'The stars are <lines>.', 'answer' => 'You are right.',
            'credits_refund' => 1.25, 'answered_at' => '2030-01-11T08:00:00Z'];
        $fake->webhook('complaint.answered', (string) $row->id, $answer);
        $fake->webhook('complaint.answered', (string) $row->id, $answer);
        $fake->webhook('complaint.answered', null, ['complaint_id' => 'c2'] + $answer);
        $this->actingAs($row->user);
        $page = $this->get("/nights/$row->id/report")->assertOk();
        $page->assertSee('The stars are <lines>.')->assertSee('You are right.')->assertSee('1.25 credits are given back.');
        $this->assertSame(1, substr_count((string) $page->getContent(), 'data-site="answer"'));
        $this->assertEquals($row->user->credits, $row->user->fresh()?->credits, 'credits are moved by credits.settled alone');
        $this->get("/nights/$row->id")->assertOk()->assertSee('data-site="progress"', false)->assertSee('/progress.js', false);
    }

    public function testTheReportShowsFiguresAndSaysWhatNobodyMeasured(): void
    {
        $fake = Nocturne::fake();
        $row = $this->row($this->guest());
        $this->actingAs($row->user);
        $view = '<x-nocturne::report :booking="$booking" />';
        $this->assertStringContainsString('when the session is over', $this->render($view, ['booking' => $row]));
        $fake->answer("/api/bookings/$row->id/report", [
            'summary' => ['outcome' => 'weathered_out'],
            'images' => ['planned' => 10, 'archived' => 4, 'total_exposure_seconds' => 480, 'average_hfd' => 2.345,
                'by_filter' => [['filter' => '<L>', 'count' => 4, 'exposure_seconds' => 480, 'average_hfd' => null]]],
            'tracking' => ['average_rms_px' => null],
            'credits' => ['credits_refund' => 6],
            'files' => ['download_link' => '/api/bookings/1/archive.zip?exp=1&sig=2'],
            'timeline' => [['at' => '2030-01-10T22:00:00Z', 'message' => '<b>Started</b>']],
        ]);
        app()->setLocale('fr');
        $html = $this->render($view, ['booking' => $row]);
        foreach (
            ['perdue à cause de la météo', '4 / 10', '2,35 px', 'inconnu', '6,00', '&lt;L&gt;', '&lt;b&gt;Started',
            'http://nocturne.test/api/bookings/1/archive.zip?exp=1&amp;sig=2'] as $text
        ) {
            $this->assertStringContainsString($text, $html);
        }
    }

    public function testCommandsSayWhatIsWrongAndEndWithAnError(): void
    {
        $fake = Nocturne::fake();
        $fake->answer('/api/status/connection', ['connected' => true, 'last_message_age_seconds' => 1, 'clock_offset_seconds' => 0.1]);
        $fake->answer('/api/telescopes', ['data' => [['id' => 'demo']]]);
        $this->assertSame([0, 'Voyager is connected; last heard 1 s ago'], $this->command('nocturne:ping'));
        $this->assertSame(0, $this->command('nocturne:doctor')[0]);
        config(['nocturne.telescope' => 'nowhere', 'nocturne.webhook.secret' => 'whsec_short']);
        [$code, $output] = $this->command('nocturne:doctor');
        $this->assertSame(1, $code);
        $this->assertStringContainsString('MEND    telescope: NOCTURNE_TELESCOPE is nowhere; nocturne has demo', $output);
        $this->assertStringContainsString('MEND    webhook secret', $output);
        $this->assertStringContainsString('/control/7#token=', $this->command('nocturne:token', ['subject' => '7'])[1]);
        $fake->answer('/api/webhooks/replay', ['count' => 3]);
        $this->assertSame([0, '3 messages are on their way again'], $this->command('nocturne:replay', ['booking' => '7']));
        $fake->away();
        $this->assertSame(1, $this->command('nocturne:ping')[0]);
        $this->assertSame(1, $this->command('nocturne:doctor')[0]);
    }

    public function testOldLinesArePrunedAndIdsOfWebhooksAreKeptAsLongAsMessagesAreTaken(): void
    {
        ObservationLog::query()->create(['event' => 'old', 'created_at' => now()->subDays(366)]);
        ObservationLog::query()->create(['event' => 'new', 'created_at' => now()->subDays(364)]);
        foreach ([399, 402] as $days) {
            DB::table('nocturne_webhooks')->insert(['id' => "w$days", 'type' => 't', 'sequence' => 1, 'handled_at' => now()->subDays($days)]);
        }
        $this->command('nocturne:prune', ['--dry' => true]);
        $this->assertSame(2, ObservationLog::query()->count());
        $this->command('nocturne:prune');
        $this->assertSame(['new'], ObservationLog::query()->pluck('event')->all());
        $this->assertSame(['w399'], DB::table('nocturne_webhooks')->pluck('id')->all());
    }

    public function testMigrationsAddWhatATableLacksAndLeaveWhatItHas(): void
    {
        Schema::drop('observation_images');
        Schema::create('observation_images', function ($table) {
            $table->id();
            $table->string('filename');
            $table->json('metadata')->nullable();
        });
        DB::table('observation_images')->insert(['filename' => 'theirs.fit']);
        foreach (['000001_add_nocturne_to_bookings', '000002_create_observation_tables'] as $name) {
            (require __DIR__ . "/../../../../clients/laravel/database/migrations/2026_01_01_$name.php")->up();
        }
        $this->assertTrue(Schema::hasColumns('observation_images', ['nocturne_id', 'sha256', 'booking_id']));
        $this->assertSame('theirs.fit', DB::table('observation_images')->value('filename'));
        config(['nocturne.tables.bookings' => 'no_such_table']);
        $this->expectExceptionMessage('There is no table no_such_table');
        (require __DIR__ . '/../../../../clients/laravel/database/migrations/2026_01_01_000001_add_nocturne_to_bookings.php')->up();
    }

    /** @param array<string, mixed> $data */
    private function render(string $template, array $data = []): string
    {
        $path = storage_path('framework/views/t' . md5($template) . '.blade.php');
        file_put_contents($path, $template);

        return $this->app['view']->file($path, $data)->render();
    }

    /**
     * @param array<string, mixed> $arguments
     * @return array{int, string}
     */
    private function command(string $name, array $arguments = []): array
    {
        $console = $this->app->make(\Illuminate\Contracts\Console\Kernel::class);
        $code = $console->call($name, $arguments);
        $lines = explode("\n", trim($console->output()));

        return [$code, $name === 'nocturne:ping' || $name === 'nocturne:replay' ? end($lines) : implode("\n", $lines)];
    }
}
