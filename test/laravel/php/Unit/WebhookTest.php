<?php

namespace NocturneTests\Unit;

use App\Models\User;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Notification;
use Nocturne\Laravel\Broadcasting\NewImageCaptured;
use Nocturne\Laravel\Broadcasting\ObservationStateChanged;
use Nocturne\Laravel\Broadcasting\SequenceProgress;
use Nocturne\Laravel\Broadcasting\WeatherAlert;
use Nocturne\Laravel\Events\ImageCaptured;
use Nocturne\Laravel\Events\CreditsSettled;
use Nocturne\Laravel\Events\SessionStarted;
use Nocturne\Laravel\Facades\Nocturne;
use Nocturne\Laravel\Notifications\SessionPaused;
use NocturneTests\TestCase;

/** Messages of nocturne: who sent them, once only, in one transaction. */
final class WebhookTest extends TestCase
{
    private const STARTED = ['phase' => 'running', 'status' => 'running', 'access_state' => 'active', 'outcome' => null, 'reason' => null,
        'set_guid' => '11111111-1111-4111-8111-111111111111', 'target_guid' => '22222222-2222-4222-8222-222222222222',
        'session_started_at' => '2030-01-10T22:00:05Z', 'session_ended_at' => null];

    protected function setUp(): void
    {
        parent::setUp();
        Nocturne::fake();
    }

    public function testAStandardWebhookKeepsTheColumnsAndComesTwiceWithOneEffect(): void
    {
        $row = $this->row($this->guest());
        $heard = 0;
        Event::listen(SessionStarted::class, function (SessionStarted $event) use (&$heard, $row) {
            $heard++;
            $this->assertSame($row->id, $event->booking?->getKey());
        });
        $body = $this->body('session.started', (string) $row->id, self::STARTED);
        $this->deliver($body, $this->signed($body))->assertNoContent();
        $this->deliver($body, $this->signed($body))->assertNoContent();
        $row->refresh();
        $this->assertSame(['running', 'running', self::STARTED['target_guid']], [$row->status, $row->nocturne_phase, $row->voyager_target_guid]);
        $this->assertSame('2030-01-10 22:00:05', $row->session_started_at->format('Y-m-d H:i:s'));
        $this->assertSame(1, $heard);
        $this->assertSame(1, $row->observationLogs()->count());
        $this->assertSame(1, DB::table('nocturne_webhooks')->count());
    }

    public function testThePlainSignatureIsTakenToo(): void
    {
        $row = $this->row($this->guest());
        $body = $this->body('session.started', (string) $row->id, self::STARTED);
        $this->deliver($body, ['Signature' => hash_hmac('sha256', $body, self::SECRET)])->assertNoContent();
        $this->assertSame('running', $row->refresh()->status);
    }

    public function testTamperedOldAndUnsignedMessagesChangeNothing(): void
    {
        $row = $this->row($this->guest());
        $body = $this->body('session.started', (string) $row->id, self::STARTED);
        $other = str_replace('"running"', '"cancelled"', $body);
        $plain = ['Signature' => hash_hmac('sha256', $body, self::SECRET)];
        $anotherId = ['webhook-id' => 'x'] + $this->signed($body);
        $cases = [
            'tampered' => [$other, $this->signed($body)],
            'tampered, plain' => [$other, $plain],
            'six minutes old' => [$body, $this->signed($body, now()->getTimestamp() - 360)],
            'six minutes ahead' => [$body, $this->signed($body, now()->getTimestamp() + 360)],
            'another id' => [$body, $anotherId],
            'another secret' => [$body, $this->signed($body, null, 'whsec_' . base64_encode(random_bytes(24)))],
            'unsigned' => [$body, []],
            'empty signature' => [$body, ['Signature' => '']],
        ];
        foreach ($cases as $name => [$text, $headers]) {
            $this->assertSame(400, $this->deliver($text, $headers)->status(), $name);
        }
        $this->assertSame('confirmed', $row->refresh()->status);
        $this->assertSame(0, DB::table('nocturne_webhooks')->count());
    }

    public function testWithoutASecretNothingIsBelieved(): void
    {
        config(['nocturne.webhook.secret' => '']);
        $body = $this->body('session.started', '1', self::STARTED);
        $this->deliver($body, ['Signature' => hash_hmac('sha256', $body, '')])->assertStatus(400);
    }

    public function testBothSecretsAreGoodWhileTheyRotate(): void
    {
        $new = 'whsec_' . base64_encode(random_bytes(24));
        config(['nocturne.webhook.secret' => self::SECRET . ", $new"]);
        foreach ([self::SECRET, $new] as $n => $secret) {
            $body = $this->body('session.prepared', null, [], $n);
            $this->deliver($body, $this->signed($body, null, $secret))->assertNoContent();
            $body = $this->body('session.prepared', null, [], 10 + $n);
            $this->deliver($body, ['Signature' => hash_hmac('sha256', $body, $secret)])->assertNoContent();
        }
        config(['nocturne.webhook.secret' => $new]);
        $body = $this->body('session.prepared', null, [], 20);
        $this->deliver($body, $this->signed($body))->assertStatus(400);
    }

    public function testAListenerThatThrowsUndoesEverythingAndTheNextDeliveryIsTheFirst(): void
    {
        $row = $this->row($this->guest());
        $broken = true;
        Event::listen(SessionStarted::class, function () use (&$broken) {
            if ($broken) {
                throw new \RuntimeException('the site is broken');
            }
        });
        $body = $this->body('session.started', (string) $row->id, self::STARTED);
        $this->deliver($body, $this->signed($body))->assertStatus(500);
        $this->assertSame(['confirmed', 0], [$row->refresh()->status, DB::table('nocturne_webhooks')->count()]);
        $broken = false;
        $this->deliver($body, $this->signed($body))->assertNoContent();
        $this->assertSame('running', $row->refresh()->status);
    }

    public function testAMessageThatComesDaysLateDoesNotTurnTheRowBack(): void
    {
        $row = $this->row($this->guest());
        $done = ['phase' => 'completed', 'status' => 'completed', 'access_state' => 'finished', 'outcome' => 'completed'];
        $end = $this->body('session.completed', (string) $row->id, $done, 9);
        $late = $this->body('session.started', (string) $row->id, self::STARTED, 4);
        $this->deliver($end, $this->signed($end))->assertNoContent();
        $this->deliver($late, $this->signed($late))->assertNoContent();
        $row->refresh();
        $this->assertSame(['completed', 'completed', 9], [$row->status, $row->nocturne_outcome, $row->nocturne_sequence]);
        $this->assertSame(2, $row->observationLogs()->count());
    }

    public function testAMessageOlderThanTheKeptIdsIsRefused(): void
    {
        $body = $this->body('session.started', null, []);
        Carbon::setTestNow(now()->addDays(401));
        $this->deliver($body, $this->signed($body))->assertStatus(400);
    }

    public function testAnImageIsARowAndACountAndTwoLiveEvents(): void
    {
        $row = $this->row($this->guest());
        Event::fake([NewImageCaptured::class, SequenceProgress::class, ObservationStateChanged::class]);
        $captured = 0;
        Event::listen(ImageCaptured::class, function (ImageCaptured $event) use (&$captured) {
            $captured++;
            $this->assertSame('a.fit', $event->image()?->filename);
        });
        $data = ['id' => 'f-1', 'filename' => 'a.fit', 'type' => 'LIGHT', 'filter' => 'L', 'exposure' => 120, 'hfd' => 2.1,
            'sha256' => str_repeat('a', 64), 'size_bytes' => 122000000, 'captured_at' => '2030-01-10T22:03:00.123Z', 'state' => 'archived'];
        $body = $this->body('image.captured', (string) $row->id, $data, 5);
        $this->deliver($body, $this->signed($body))->assertNoContent();
        $image = $row->observationImages()->sole();
        $this->assertSame(['a.fit', 'L', 120.0, 122000000], [$image->filename, $image->filter, $image->exposure, $image->size_bytes]);
        $this->assertSame([1, 1], [$row->refresh()->images_captured, $captured]);
        Event::assertDispatched(NewImageCaptured::class, fn ($e) => $e->broadcastOn()->name === "private-booking.$row->id"
            && $e->broadcastWith()['image']['filename'] === 'a.fit');
        Event::assertDispatched(SequenceProgress::class, fn ($e) => $e->broadcastWith()['percent'] === 10.0);
    }

    public function testCreditsAreBookedOncePerSettlementAndALaterOneBooksTheDifference(): void
    {
        $user = $this->guest('Ada Guest', 90);
        $row = $this->row($user);
        $settle = function (array $data, int $sequence, string $id) use ($row): void {
            $body = $this->body('credits.settled', (string) $row->id, $data, $sequence, $id);
            $this->deliver($body, $this->signed($body))->assertNoContent();
        };
        $first = ['settlement_id' => 's1', 'rule' => 'by-the-second', 'credits_charged' => 10, 'credits_refund' => 4];
        $settle($first, 7, 'w1');
        $settle($first, 7, 'w1');
        $settle($first, 8, 'w2');
        $this->assertSame(94.0, $user->refresh()->credits);
        $settle(['settlement_id' => 's2', 'credits_refund' => 1.5, 'supersedes' => 's1'] + $first, 9, 'w3');
        $this->assertSame(91.5, $user->refresh()->credits);
        $byHand = null;
        Event::listen(CreditsSettled::class, function (CreditsSettled $event) use (&$byHand) {
            $byHand = [$event->settlement()?->creditsByHand, $event->settlement()?->byHandReason];
        });
        $hand = ['settlement_id' => 's3', 'credits_refund' => 3, 'supersedes' => 's2', 'by_hand' => ['credits' => 1.5, 'reason' => 'Clouds.']];
        $settle($hand + $first, 10, 'w4');
        $this->assertSame([93.0, [1.5, 'Clouds.']], [$user->refresh()->credits, $byHand]);
    }

    public function testABookingOfAnotherSiteIsNotedAndChangesNothing(): void
    {
        $body = $this->body('session.started', 'web-1234', self::STARTED);
        $this->deliver($body, $this->signed($body))->assertNoContent();
        $this->assertSame(1, DB::table('nocturne_webhooks')->count());
    }

    public function testATypeOfANewerServerIsKeptAndNotRefused(): void
    {
        $body = $this->body('session.teleported', null, []);
        $this->deliver($body, $this->signed($body))->assertNoContent();
    }

    public function testWeatherIsAlertedAndWrittenToTheGuestWhereTheSiteWritesItself(): void
    {
        config(['nocturne.notifications.enabled' => true, 'nocturne.notifications.channels' => ['mail']]);
        $user = $this->guest();
        $row = $this->row($user);
        Notification::fake();
        Event::fake([WeatherAlert::class]);
        $data = ['phase' => 'holding', 'status' => 'running', 'hold_cause' => 'weather', 'reason' => 'weather_unsafe'];
        $body = $this->body('session.paused', (string) $row->id, $data, 3);
        $this->deliver($body, $this->signed($body))->assertNoContent();
        Event::assertDispatched(WeatherAlert::class);
        Notification::assertSentTo(User::query()->find($user->id), SessionPaused::class, function ($note) use ($user) {
            $mail = $note->toMail($user);
            app()->setLocale('fr');
            $this->assertSame('Votre session est en attente', $note->toMail($user)->subject);

            return $mail->subject === 'Your session waits' && str_contains(implode(' ', $mail->introLines), 'unsafe');
        });
    }
}
