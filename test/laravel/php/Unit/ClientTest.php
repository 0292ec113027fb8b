<?php

namespace NocturneTests\Unit;

use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Request;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\Http;
use Nocturne\Laravel\Exceptions\DownloadCorrupted;
use Nocturne\Laravel\Exceptions\InvalidPlan;
use Nocturne\Laravel\Exceptions\NotAllowed;
use Nocturne\Laravel\Exceptions\Refused;
use Nocturne\Laravel\Exceptions\SlotTaken;
use Nocturne\Laravel\Exceptions\Unreachable;
use NocturneTests\TestCase;

/** Requests, repetitions, refusals and the circuit breaker, with Laravel's own Http::fake(). */
final class ClientTest extends TestCase
{
    private const BOOKING = ['id' => '7', 'telescope_id' => 'demo', 'start' => '2030-01-10T22:00:00Z', 'end' => '2030-01-10T23:00:00Z',
        'phase' => 'scheduled', 'status' => 'confirmed', 'access_state' => 'upcoming', 'outcome' => null, 'images_captured' => 0];

    public function testABookingIsPutUnderTheSitesOwnIdWithTheServerKey(): void
    {
        Http::fake(['*' => Http::response(self::BOOKING, 201)]);
        $booking = $this->voyager()->book('7', $this->row($this->guest())->toNocturne());
        $this->assertSame(['7', 'confirmed', 'scheduled'], [$booking->id, $booking->status, $booking->phase]);
        $this->assertSame('2030-01-10T22:00:00+00:00', $booking->start->toIso8601String());
        Http::assertSent(fn (Request $request) => $request->method() === 'PUT'
            && $request->url() === 'http://nocturne.test/api/bookings/7'
            && $request->hasHeader('X-API-Key', 'server-key')
            && $request['target'] === ['name' => 'M 31', 'ra_hours' => 0.7123, 'dec_degrees' => 41.269]
            && $request['shots'] === [['filter' => 'L', 'exposure_seconds' => 120, 'quantity' => 10]]
            && $request['start'] === '2030-01-10T22:00:00+00:00');
    }

    public function testAnIdIsNotAWayIntoAnotherAddress(): void
    {
        Http::fake(['*' => Http::response(self::BOOKING)]);
        $this->voyager()->booking('../telescopes?x=1');
        Http::assertSent(fn (Request $r) => $r->url() === 'http://nocturne.test/api/bookings/..%2Ftelescopes%3Fx%3D1');
    }

    public function testARepeatedControlIsTheSameCommand(): void
    {
        $keys = [];
        Http::fake(function (Request $request) use (&$keys) {
            $keys[] = $request->header('Idempotency-Key')[0];

            return count($keys) === 1
                ? Http::response('', 502)
                : Http::response(['command_id' => $keys[0], 'kind' => 'pause', 'state' => 'confirmed', 'at' => 'now']);
        });
        $this->assertTrue($this->voyager()->pause('7')->confirmed());
        $this->assertCount(2, $keys);
        $this->assertSame($keys[0], $keys[1]);
        $this->assertNotSame('', $keys[0]);
    }

    public function testRefusalsAreExceptionsOfTheirOwnWithTheFieldErrors(): void
    {
        $errors = ['shots.0.filter' => ['is not a filter of this telescope']];
        $problem = ['code' => 'invalid', 'detail' => 'no', 'errors' => $errors];
        Http::fakeSequence()
            ->push($problem, 422)
            ->push(['code' => 'slot_taken', 'detail' => 'taken'], 409)
            ->push(['code' => 'control_refused', 'detail' => 'already paused'], 409)
            ->push(['code' => 'unauthenticated', 'detail' => 'who'], 401);
        try {
            $this->voyager()->book('7', []);
            $this->fail('a bad plan was taken');
        } catch (InvalidPlan $thrown) {
            $this->assertSame($errors, $thrown->errors());
        }
        foreach ([SlotTaken::class, Refused::class, NotAllowed::class] as $class) {
            try {
                $this->voyager()->book('7', []);
                $this->fail("no $class");
            } catch (\Nocturne\Laravel\Exceptions\ProblemException $thrown) {
                $this->assertInstanceOf($class, $thrown);
            }
        }
        Http::assertSentCount(4);
    }

    public function testASilentServerOpensTheBreakerAndOneProbeClosesItAgain(): void
    {
        $asked = 0;
        $alive = false;
        Http::fake(function () use (&$asked, &$alive) {
            $asked++;

            return $alive ? Http::response(['data' => []]) : throw new ConnectionException('refused');
        });
        config(['nocturne.tries' => 1]);
        $fails = function (): Unreachable {
            try {
                $this->voyager()->telescopes();
            } catch (Unreachable $thrown) {
                return $thrown;
            }
            $this->fail('it answered');
        };
        $this->assertTrue($fails()->sent);
        $fails();
        $this->assertSame(2, $asked);
        $open = $fails();
        $this->assertSame([2, false, 30], [$asked, $open->sent, $open->retryAfterSeconds]);
        Carbon::setTestNow(now()->addSeconds(31));
        // Half open: one asks, the next one waits for the outcome of the first.
        $fails();
        $this->assertSame(3, $asked);
        $fails();
        $this->assertSame(3, $asked);
        Carbon::setTestNow(now()->addSeconds(31));
        $alive = true;
        $this->assertSame([], $this->voyager()->telescopes());
        $this->assertFalse($this->voyager()->isAway());
        $this->voyager()->telescopes();
        $this->assertSame(5, $asked);
    }

    public function testAStopIsSentThoughTheBreakerIsOpen(): void
    {
        $sent = [];
        Http::fake(function (Request $request) use (&$sent) {
            $sent[] = parse_url($request->url(), PHP_URL_PATH);
            throw new ConnectionException('refused');
        });
        config(['nocturne.tries' => 1]);
        $guid = '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11';
        $voyager = $this->voyager();
        $try = function (callable $do): void {
            try {
                $do();
            } catch (Unreachable) {
                // What counts is what was sent.
            }
        };
        $try(fn () => $voyager->telescopes());
        $try(fn () => $voyager->telescopes());
        $sent = [];
        $try(fn () => $voyager->resume('7'));
        $try(fn () => $voyager->toggle($guid, 1, 0));
        $this->assertSame([], $sent, 'what starts motion waits');
        $try(fn () => $voyager->abort('7'));
        $try(fn () => $voyager->pause('7'));
        $try(fn () => $voyager->cancel('7'));
        $try(fn () => $voyager->stopTelescope());
        $try(fn () => $voyager->toggle($guid, 1, 1));
        $try(fn () => $voyager->deactivateTarget($guid));
        $this->assertCount(6, $sent);
    }

    public function testTheLastStateComesFromTheCacheWithItsAgeAndReadsAsUnknown(): void
    {
        $alive = true;
        Http::fake(function () use (&$alive) {
            return $alive
                ? Http::response(['voyager_status' => 'RUN', 'stale' => false, 'updated_at' => now()->toIso8601String(), 'target_enabled' => true])
                : throw new ConnectionException('refused');
        });
        Carbon::setTestNow(now()->startOfSecond());
        $live = $this->voyager()->state('demo');
        $this->assertSame(['live', 'RUN', true], [$live->source, $live['voyager_status'], $live->isKnown()]);
        $alive = false;
        Carbon::setTestNow(now()->addSeconds(90));
        $cached = $this->voyager()->state('demo');
        $this->assertSame(['cache', 'UNDEFINED', 90, true], [$cached->source, $cached['voyager_status'], $cached['age_seconds'], $cached['stale']]);
        $this->assertSame('RUN', $cached['last_known']['voyager_status']);
        $this->assertNull($cached['target_enabled']);
        $never = $this->voyager()->state('other');
        $this->assertSame(['none', 'UNDEFINED', null], [$never->source, $never['voyager_status'], $never['age_seconds']]);
    }

    public function testAFrozenStateIsUnknownThoughNocturneAnswers(): void
    {
        Carbon::setTestNow(now()->startOfSecond());
        $body = ['voyager_status' => 'RUN', 'stale' => true, 'updated_at' => now()->subMinutes(5)->toIso8601String()];
        Http::fake(['*' => Http::response($body)]);
        $state = $this->voyager()->state();
        $this->assertFalse($state->isKnown());
        $this->assertSame('UNDEFINED', $state['voyager_status']);
        $this->assertSame(300, $state['age_seconds']);
    }

    public function testThePicturesOfASessionHaveAddressesThatAPageOpens(): void
    {
        config(['nocturne.public_url' => 'https://nocturne.example']);
        $raw = ['id' => 'i', 'booking_id' => '7', 'filename' => 'a.fit', 'state' => 'archived', 'thumbnail_url' => null,
            'url' => '/api/bookings/7/images/i.fit?sig=x', 'preview_url' => 'https://cdn.example/i.jpg'];
        Http::fake(['*' => Http::response(['data' => [$raw], 'meta' => ['next_cursor' => null]])]);
        $image = $this->voyager()->images('7')->items[0];
        $this->assertSame('https://nocturne.example/api/bookings/7/images/i.fit?sig=x', $image->url);
        $this->assertSame(['https://cdn.example/i.jpg', null], [$image->previewUrl, $image->thumbnailUrl]);
    }

    public function testADownloadThatDiffersLeavesNothing(): void
    {
        $path = sys_get_temp_dir() . '/nocturne-download-' . getmypid();
        $image = ['id' => 'f1', 'booking_id' => '7', 'filename' => 'a.fit', 'state' => 'archived', 'size_bytes' => 4];
        $sums = ['good' => hash('sha256', 'SIMP'), 'bad' => hash('sha256', 'other')];
        Http::fake(fn (Request $request) => str_ends_with($request->url(), '/fits')
            ? Http::response('SIMP')
            : Http::response($image + ['sha256' => $sums[basename($request->url())]]));
        try {
            $this->voyager()->downloadImage('7', 'bad', $path);
            $this->fail('a corrupted frame was kept');
        } catch (DownloadCorrupted) {
            $this->assertSame([], glob("$path*"));
        }
        $this->voyager()->downloadImage('7', 'good', $path);
        $this->assertSame('SIMP', file_get_contents($path));
        unlink($path);
    }

    public function testEveryCallStandsInTheLogWithDurationAndRequestIdAndWithoutTheKey(): void
    {
        Http::fake(['*' => Http::response(['data' => []], 200, ['X-Request-Id' => 'req-1'])]);
        $this->voyager()->telescopes();
        $files = glob(storage_path('logs/nocturne-*.log'));
        $log = (string) file_get_contents(end($files));
        $this->assertStringContainsString('GET /api/telescopes', $log);
        $this->assertMatchesRegularExpression('/"ms":\d+,"request_id":"req-1"/', $log);
        $this->assertStringNotContainsString('server-key', $log);
    }

    public function testARoboTargetObjectCarriesItsGuidSoThatARepetitionMakesNothingTwice(): void
    {
        $guids = [];
        Http::fake(function (Request $request) use (&$guids) {
            $guids[] = $request['Guid'];

            return count($guids) === 1 ? Http::response('', 503) : Http::response(['Guid' => $guids[0]], 201);
        });
        $guid = $this->voyager()->addSet(['Name' => 'Comets', 'ProfileName' => 'Default.v2y']);
        $this->assertSame([$guid, $guid], $guids);
    }
}
