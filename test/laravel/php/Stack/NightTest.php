<?php

namespace NocturneTests\Stack;

use App\Models\EquipmentBooking;
use App\Models\User;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Http;
use Nocturne\Laravel\Bookings\Desk;
use Nocturne\Laravel\Exceptions\BadSignature;
use Nocturne\Laravel\Exceptions\InvalidPlan;
use Nocturne\Laravel\Exceptions\Unreachable;
use Nocturne\Laravel\Webhooks\Signatures;
use NocturneTests\StackCase;

/** One night of the real stack as the site lives it: webhooks come to the running site, which shares this database. The order of the tests is the night's. */
final class NightTest extends StackCase
{
    private static ?int $id = null;

    private function night(): EquipmentBooking
    {
        return EquipmentBooking::query()->findOrFail(self::$id);
    }

    public function testANightIsPaidAndBooked(): void
    {
        $user = $this->guest('Ada Guest');
        $start = now()->addSeconds(8)->startOfSecond();
        $row = (new EquipmentBooking())->forceFill($this->plan($user, $start, 75));
        $booked = $this->app->make(Desk::class)->reserve($row, $user, 10);
        self::$id = $booked->id;
        $this->assertSame('confirmed', $booked->status);
        $there = $this->voyager()->booking((string) $booked->id);
        $this->assertSame([$start->getTimestamp(), (string) $user->id], [$there->start->getTimestamp(), $there['user']['ref']]);
        $this->assertSame(90.0, $user->refresh()->credits);
    }

    public function testTheSameBodyAgainIsTheSameBookingAndABadPlanNamesItsFields(): void
    {
        $row = $this->night();
        $this->assertSame('scheduled', explode(' ', $this->voyager()->book((string) $row->id, $row->toNocturne())->phase)[0]);
        $this->assertCount(1, $this->voyager()->bookings(['user_ref' => (string) $row->user_id]));
        $plan = $row->toNocturne();
        $plan['shots'][0]['filter'] = 'Ultraviolet';
        $this->expectException(InvalidPlan::class);
        try {
            $this->voyager()->book('another', $plan);
        } catch (InvalidPlan $thrown) {
            $this->assertArrayHasKey('shots.0.filter', $thrown->errors());
            throw $thrown;
        }
    }

    public function testWebhooksKeepTheColumnsTrue(): void
    {
        $row = $this->until('running by webhook', fn () => $this->night()->nocturne_phase === 'running' ? $this->night() : null);
        $there = $this->voyager()->booking((string) $row->id);
        $this->assertSame('running', $row->status);
        $this->assertSame([$there->voyagerSetGuid, $there->voyagerTargetGuid], [$row->voyager_set_guid, $row->voyager_target_guid]);
        $this->assertSame($there->sessionStartedAt->getTimestamp(), $row->session_started_at->getTimestamp());
        $this->assertSame($there->voyagerShots[0]['guid'], $row->voyager_shots[0]['guid']);
        $events = $row->observationLogs()->pluck('event')->all();
        foreach (['booking.accepted', 'session.prepared', 'session.started'] as $event) {
            $this->assertContains($event, $events);
        }
    }

    public function testTheSignaturesOfTheRealServerAreGoodInBothForms(): void
    {
        $delivery = $this->until('a delivery', fn () => $this->deliveries()[0] ?? null);
        $headers = $delivery['headers'];
        $header = fn (string $name) => $headers[strtolower($name)] ?? null;
        $plainOnly = fn (string $name) => strtolower($name) === 'signature' ? $headers['signature'] : null;
        $signatures = $this->app->make(Signatures::class);
        $this->assertSame('booking.accepted', $signatures->check($delivery['body'], $header)->type);
        $this->assertSame('booking.accepted', $signatures->check($delivery['body'], $plainOnly)->type);
        foreach ([$header, $plainOnly] as $form) {
            try {
                $signatures->check(str_replace('confirmed', 'cancelled', $delivery['body']), $form);
                $this->fail('a tampered message was believed');
            } catch (BadSignature $thrown) {
                $this->assertSame('The signature does not fit.', $thrown->getMessage());
            }
        }
        $before = $this->night()->observationLogs()->where('event', 'booking.accepted')->count();
        $again = Http::withHeaders(array_intersect_key($headers, array_flip(['webhook-id', 'webhook-timestamp', 'webhook-signature', 'signature'])))
            ->withBody($delivery['body'], 'application/json')
            ->post(getenv('STACK_SITE_URL') . '/nocturne/webhooks');
        $this->assertSame(204, $again->status());
        $this->assertSame([1, 1], [$before, $this->night()->observationLogs()->where('event', 'booking.accepted')->count()]);
        Carbon::setTestNow(now()->addSeconds(301));
        $this->expectException(BadSignature::class);
        $signatures->check($delivery['body'], $header);
    }

    public function testFramesComeAndADownloadedOneIsTheArchivedOneToTheLastBit(): void
    {
        $image = $this->until('a frame by webhook', fn () => $this->night()->observationImages()->first());
        $there = $this->voyager()->images((string) self::$id)->items;
        $this->assertContains($image->nocturne_id, array_map(fn ($one) => $one->id, $there));
        $path = sys_get_temp_dir() . '/nocturne-frame-' . getmypid() . '.fit';
        try {
            $frame = $this->voyager()->downloadImage((string) self::$id, $image->nocturne_id, $path);
            $this->assertSame([$frame->sha256, $image->sha256], [hash_file('sha256', $path), hash_file('sha256', $path)]);
            $this->assertStringStartsWith('SIMPLE  =', (string) file_get_contents($path, false, null, 0, 80));
        } finally {
            @unlink($path);
        }
        $this->actingAs($this->night()->user);
        $answer = $this->get('/nocturne/bookings/' . self::$id . "/images/$image->nocturne_id/download");
        $this->assertSame($image->sha256, hash('sha256', $answer->streamedContent()));
        $this->assertGreaterThan(0, $this->voyager()->stats((string) self::$id)['images']['captured']);
        $this->assertNotEmpty($this->voyager()->logs((string) self::$id)->items);
        $picture = $this->getJson('/nocturne/bookings/' . self::$id . '/preview')->assertOk()->json('image');
        $this->assertStringStartsWith('data:image/jpeg;base64,/9j/', $picture);
    }

    public function testTheOwnersServiceOfTheRoadmapWorksAsItIs(): void
    {
        $http = fn () => Http::withHeaders(['X-API-Key' => config('nocturne.key')])->baseUrl(config('nocturne.url'));
        $row = $this->night();
        $state = $http()->get('/api/dashboard/state', ['setGuid' => $row->voyager_set_guid, 'targetGuid' => $row->voyager_target_guid])->json();
        foreach (
            ['voyager_status', 'message', 'target_name', 'target_guid', 'set_guid', 'target_enabled', 'updated_at', 'equipment',
            'sequence', 'exposure', 'warnings'] as $key
        ) {
            $this->assertArrayHasKey($key, $state);
        }
        $this->assertSame([$row->voyager_target_guid, true], [$state['target_guid'], $state['target_enabled']]);
        $this->assertSame([], array_diff(['mount', 'camera', 'focuser'], array_column($state['equipment'], 'key')));
        $this->assertStringStartsWith('data:image/', $http()->get('/api/camera/preview')->json('image'));
        $this->assertTrue($http()->get('/api/status/connection')->json('connected'));
        $this->assertTrue($http()->get('/api/sequences/current')->json('running'));
        $page = $this->actingAs($row->user)->getJson("/nocturne/bookings/$row->id/status")->assertOk();
        $page->assertJsonPath('source', 'live')->assertJsonPath('target_enabled', true);
    }

    public function testPauseAndResumeAreConfirmedByTelemetryAndToldByWebhook(): void
    {
        $this->actingAs($this->night()->user);
        $address = '/nocturne/bookings/' . self::$id;
        $command = $this->postJson("$address/pause", [], ['Idempotency-Key' => 'pause-1'])->assertSuccessful()->json('command_id');
        $this->until('paused', fn () => $this->getJson("$address/commands/$command")->json('state') === 'confirmed');
        $this->until('holding by webhook', fn () => $this->night()->nocturne_phase === 'holding');
        $same = $this->postJson("$address/pause", [], ['Idempotency-Key' => 'pause-1'])->json('command_id');
        $this->assertSame($command, $same, 'the same key is the same command');
        $this->postJson("$address/resume")->assertSuccessful();
        $this->until('running by webhook', fn () => $this->night()->nocturne_phase === 'running');
    }

    public function testAServerThatIsAwayOpensTheBreakerAndTheStateIsTheLastKnownOne(): void
    {
        config(['nocturne.tries' => 1, 'nocturne.breaker' => ['failures' => 2, 'open_seconds' => 30]]);
        $this->assertTrue($this->voyager()->state()->isKnown());
        $this->wire('away');
        try {
            $this->voyager()->state();
            $away = $this->voyager()->state();
            $this->assertSame(['cache', 'UNDEFINED'], [$away->source, $away['voyager_status']]);
            $this->assertNotNull($away['last_known']['voyager_status']);
            $this->assertTrue($this->voyager()->isAway());
            $tried = $this->connections();
            $this->assertSame('cache', $this->voyager()->state()->source);
            $this->assertSame($tried, $this->connections(), 'open: nothing is asked');
            try {
                $this->voyager()->pause((string) self::$id);
                $this->fail('nobody can have answered');
            } catch (Unreachable $thrown) {
                $this->assertTrue($thrown->sent);
            }
            $this->assertGreaterThan($tried, $this->connections(), 'a stop is sent all the same');
            Carbon::setTestNow(now()->addSeconds(31));
            $this->assertGreaterThanOrEqual(31, $this->voyager()->state()['age_seconds']);
            $probed = $this->connections();
            $this->voyager()->state();
            $this->assertSame($probed, $this->connections(), 'one probe, not two');
        } finally {
            $this->wire('through');
        }
        Carbon::setTestNow(now()->addSeconds(31));
        $this->assertSame('live', $this->voyager()->state()->source);
        $this->assertFalse($this->voyager()->isAway());
    }

    public function testAbortEndsTheNightAndSettlesItsCreditsOnce(): void
    {
        $row = $this->night();
        $this->actingAs($row->user)->postJson("/nocturne/bookings/$row->id/abort", ['reason' => 'clouds at home'])->assertSuccessful();
        $this->until('aborted by webhook', fn () => $this->night()->nocturne_outcome === 'aborted');
        $this->assertSame('completed', $this->night()->status);
        $this->until('settled', fn () => DB::table('nocturne_settlements')->where('booking_id', (string) $row->id)->exists());
        $settled = DB::table('nocturne_settlements')->where('booking_id', (string) $row->id)->sole();
        $expected = 90.0 + (float) $settled->credits_refund;
        $this->assertSame($expected, User::query()->find($row->user_id)->credits);
        $report = $this->until('a report', fn () => $this->reportOf((string) $row->id));
        $this->assertSame($report['images']['archived'], $this->night()->refresh()->images_captured);
        $count = $this->voyager()->replayWebhooks((string) $row->id);
        $this->assertGreaterThan(3, $count);
        $seen = count($this->deliveries());
        $this->until('the replayed messages', fn () => count($this->deliveries()) >= $seen + $count / 2);
        $this->assertSame($expected, User::query()->find($row->user_id)->credits);
    }

    public function testAnApiKilledBetweenRequestAndAnswerMakesOneBooking(): void
    {
        config(['nocturne.tries' => 25, 'nocturne.retry_wait_ms' => 200]);
        $user = $this->guest('Two Minds');
        $row = (new EquipmentBooking())->forceFill($this->plan($user, now()->addMinutes(10)->startOfSecond(), 60));
        $this->wire('kill-api-on-put');
        try {
            $booked = $this->app->make(Desk::class)->reserve($row, $user, 10);
        } finally {
            $this->wire('through');
        }
        $this->assertSame('confirmed', $booked->status);
        $this->assertSame('killed', file_get_contents(getenv('STACK_WIRE_URL') . '/killed'));
        $this->assertCount(1, $this->voyager()->bookings(['user_ref' => (string) $user->id]));
        $this->assertSame(90.0, $user->refresh()->credits);
        $this->assertSame('cancel', $this->voyager()->cancel((string) $booked->id)->kind);
    }

    /** @return array<string, mixed>|null */
    private function reportOf(string $id): ?array
    {
        try {
            return $this->voyager()->report($id);
        } catch (\Nocturne\Laravel\Exceptions\NotFound) {
            return null;
        }
    }

    /** @return array<string, mixed> */
    private function plan(User $user, Carbon $start, int $seconds): array
    {
        $sky = $this->sky();

        return [
            'user_id' => $user->id,
            'telescope_id' => config('nocturne.telescope'),
            'start_datetime' => $start,
            'end_datetime' => $start->copy()->addSeconds($seconds),
            'target_name' => $sky['name'],
            'target_ra' => (string) $sky['ra_hours'],
            'target_dec' => (string) $sky['dec_degrees'],
            'shots' => [['filter' => 'L', 'exposure' => 2, 'quantity' => 60]],
            'min_altitude' => 20,
            'ha_start' => -6,
            'ha_end' => 6,
            'credits' => 10,
        ];
    }
}
