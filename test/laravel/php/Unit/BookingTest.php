<?php

namespace NocturneTests\Unit;

use App\Models\EquipmentBooking;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Queue;
use Illuminate\Validation\ValidationException;
use Nocturne\Laravel\Bookings\Desk;
use Nocturne\Laravel\Bookings\Jobs\ConfirmBooking;
use Nocturne\Laravel\Bookings\Jobs\OfferFreeSlots;
use Nocturne\Laravel\Bookings\Jobs\RefreshBooking;
use Nocturne\Laravel\Bookings\Rebooking;
use Nocturne\Laravel\Events\RebookingOffered;
use Nocturne\Laravel\Exceptions\SlotTaken;
use Nocturne\Laravel\Facades\Nocturne;
use Nocturne\Laravel\Livewire\PlansObservation;
use Nocturne\Laravel\Support\Bookings;
use NocturneTests\TestCase;

/** From a form to a booking that stands, and what happens when it does not. */
final class BookingTest extends TestCase
{
    private const PLAN = [
        'telescope_id' => 'demo',
        'start' => '2030-01-10T22:00:00Z',
        'end' => '2030-01-10T23:00:00Z',
        'target' => ['name' => 'M 31', 'ra_hours' => 0.7123, 'dec_degrees' => 41.269],
        'shots' => [['filter' => 'L', 'exposure_seconds' => 120, 'quantity' => 10]],
    ];

    public function testTheFormsPlanIsPaidBookedAndConfirmed(): void
    {
        $fake = Nocturne::fake();
        $user = $this->guest();
        $id = $this->actingAs($user)->postJson('/nocturne/bookings', self::PLAN)->assertCreated()->json('id');
        $fake->assertBooked($id);
        $row = EquipmentBooking::query()->find($id);
        $this->assertSame(['confirmed', 90.0], [$row->status, $user->refresh()->credits]);
        $fake->assertSent('PUT', "/api/bookings/$id", fn ($call) => $call->body['user']['ref'] === (string) $user->id
            && $call->body['shots'][0]['exposure_seconds'] === 120 && $call->body['credits'] == ['charged' => 10]);
    }

    public function testAGuestCannotBookForAnotherNorSetThePriceOrThePriority(): void
    {
        $fake = Nocturne::fake();
        $user = $this->guest();
        $forged = ['user' => ['ref' => '999'], 'credits' => ['charged' => 0], 'constraints' => ['priority' => 4]];
        $id = $this->actingAs($user)->postJson('/nocturne/bookings', $forged + self::PLAN)->assertCreated()->json('id');
        $fake->assertSent('PUT', "/api/bookings/$id", fn ($call) => $call->body['user']['ref'] === (string) $user->id
            && $call->body['credits'] == ['charged' => 10] && !isset($call->body['constraints']['priority']));
    }

    public function testARefusedPlanLeavesNoRowAndNoCharge(): void
    {
        $fake = Nocturne::fake();
        $errors = ['shots.0.filter' => ['is not a filter of this telescope']];
        $user = $this->guest();
        $fake->answer('/api/bookings/check', ['ok' => false, 'errors' => $errors, 'fits' => false, 'credits' => 10, 'conflict' => null]);
        $this->actingAs($user)->postJson('/nocturne/bookings', self::PLAN)->assertStatus(422)->assertJsonPath('errors', $errors);
        $this->assertSame([0, 100.0], [EquipmentBooking::query()->count(), $user->refresh()->credits]);
    }

    public function testASlotThatWasTakenMeanwhileIsPaidBack(): void
    {
        $fake = Nocturne::fake();
        $user = $this->guest();
        $fake->refuse('/api/bookings/1', 409, 'slot_taken', 'Another booking stands in the way.');
        $this->actingAs($user)->postJson('/nocturne/bookings', self::PLAN)->assertStatus(409);
        $this->assertSame([0, 100.0], [EquipmentBooking::query()->count(), $user->refresh()->credits]);
        $fake->refuse('/api/bookings/2', 409, 'slot_taken', 'Another booking stands in the way.');
        $this->expectException(SlotTaken::class);
        $this->app->make(Desk::class)->reserve((new EquipmentBooking())->forceFill($this->columns($user)), $user, 10);
    }

    public function testWithoutEnoughCreditsNothingIsSent(): void
    {
        $fake = Nocturne::fake();
        $user = $this->guest('Poor Guest', 9);
        $this->actingAs($user)->postJson('/nocturne/bookings', self::PLAN)->assertStatus(402);
        $fake->assertNotBooked('1');
        $this->assertSame([0, 9.0], [EquipmentBooking::query()->count(), $user->refresh()->credits]);
    }

    public function testAnAnswerThatNobodyHeardLeavesTheBookingPendingUntilItIsKnown(): void
    {
        Queue::fake();
        $fake = Nocturne::fake();
        $user = $this->guest();
        $row = (new EquipmentBooking())->forceFill($this->columns($user));
        $fake->away();
        $row = $this->app->make(Desk::class)->reserve($row, $user, 10);
        $this->assertSame(['pending', 90.0], [$row->status, $user->refresh()->credits]);
        Queue::assertPushed(ConfirmBooking::class, fn (ConfirmBooking $job) => $job->bookingId === (string) $row->id);
        $job = new ConfirmBooking((string) $row->id, now()->addHour()->getTimestamp());
        $job->handle($this->app->make(Desk::class), $this->app->make(Bookings::class));
        $this->assertSame('pending', $row->refresh()->status);
        $fake->away(false);
        $job->handle($this->app->make(Desk::class), $this->app->make(Bookings::class));
        $fake->assertBooked((string) $row->id);
        $this->assertSame('confirmed', $row->refresh()->status);
    }

    public function testAPendingBookingThatIsRefusedInTheEndIsCancelledAndPaidBack(): void
    {
        Queue::fake();
        $fake = Nocturne::fake();
        $user = $this->guest();
        $fake->away();
        $row = $this->app->make(Desk::class)->reserve((new EquipmentBooking())->forceFill($this->columns($user)), $user, 10);
        $fake->away(false)->refuse("/api/bookings/$row->id", 409, 'slot_taken', 'taken');
        (new ConfirmBooking((string) $row->id, now()->addHour()->getTimestamp()))
            ->handle($this->app->make(Desk::class), $this->app->make(Bookings::class));
        $this->assertSame(['cancelled', 'slot_taken'], [$row->refresh()->status, $row->nocturne_reason]);
        $this->assertSame(100.0, $user->refresh()->credits);
    }

    public function testTheRoadmapsFormAsLivewireUsesIt(): void
    {
        $fake = Nocturne::fake();
        $this->actingAs($this->guest());
        $form = new class {
            use PlansObservation;
        };
        [$form->date, $form->startTime, $form->targetName, $form->targetRA, $form->targetDEC] =
            ['2030-01-10', '22:00', 'M 31', '00:42:44', '+41:16:09'];
        $form->addShot();
        $form->addShot();
        $form->removeShot(1);
        $this->assertCount(2, $form->shots);
        $form->calculateCost();
        $this->assertSame([10.0, true], [$form->cost, $form->fits]);
        $form->submit();
        $this->assertSame(trans('nocturne::nocturne.booked'), $form->result);
        $fake->assertSent('PUT', "/api/bookings/$form->bookingId", fn ($call) => count($call->body['shots']) === 2
            && $call->body['target']['ra_hours'] === '00:42:44' && $call->body['end'] === '2030-01-10T23:00:00+00:00');
        $errors = ['target.ra_hours' => ['must be hours']];
        $fake->answer('/api/bookings/check', ['ok' => false, 'errors' => $errors]);
        try {
            $form->submit();
            $this->fail('a bad plan was booked');
        } catch (ValidationException $thrown) {
            $this->assertSame(['targetRA' => ['must be hours']], $thrown->errors());
            $this->assertNull($form->result);
        }
    }

    public function testANightLostToWeatherIsOfferedAgainAndBookedUnderAnIdOfItsOwn(): void
    {
        Queue::fake();
        $fake = Nocturne::fake();
        $user = $this->guest();
        $row = $this->row($user);
        $free = [['start' => '2030-01-12T20:00:00Z', 'end' => '2030-01-13T04:00:00Z'], ['start' => '2030-01-13T20:00:00Z', 'end' => '2030-01-13T20:30:00Z']];
        $fake->answer('/api/telescopes/demo/availability', ['free' => $free]);
        $fake->webhook('session.weathered_out', (string) $row->id, ['phase' => 'weathered_out', 'outcome' => 'weathered_out', 'status' => 'completed']);
        Queue::assertPushed(OfferFreeSlots::class);
        Queue::assertPushed(RefreshBooking::class);
        Event::fake([RebookingOffered::class]);
        $run = fn () => (new OfferFreeSlots((string) $row->id))->handle(
            $this->app->make(Rebooking::class),
            $this->app->make(Bookings::class),
            $this->app->make('events'),
        );
        $run();
        Event::assertDispatched(RebookingOffered::class, fn ($e) => count($e->offers) === 2 && $e->booked === null);
        $offer = $this->actingAs($user)->getJson("/nocturne/bookings/$row->id/offers")->json('data.0');
        $this->assertSame(['start' => '2030-01-12T20:10:00+00:00', 'end' => '2030-01-12T21:10:00+00:00'], $offer);
        $id = $this->postJson("/nocturne/bookings/$row->id/rebook", ['start' => $offer['start']])->assertCreated()->json('id');
        $fake->assertSent('PUT', "/api/bookings/$id", fn ($call) => $call->body['rebooked_from'] === (string) $row->id
            && $call->body['start'] === $offer['start']);
        $this->postJson("/nocturne/bookings/$row->id/rebook", ['start' => $offer['start']])->assertStatus(409);
    }

    public function testANightThatWasNotLostCannotBeHadAgain(): void
    {
        Nocturne::fake();
        $user = $this->guest();
        $row = $this->row($user);
        $this->actingAs($user)->postJson("/nocturne/bookings/$row->id/rebook", ['start' => '2030-01-12T20:10:00Z'])->assertStatus(422);
    }

    /** @return array<string, mixed> */
    private function columns(object $user): array
    {
        return ['user_id' => $user->id, 'telescope_id' => 'demo', 'start_datetime' => '2030-01-10 22:00:00', 'credits' => 10,
            'end_datetime' => '2030-01-10 23:00:00', 'target_name' => 'M 31', 'target_ra' => '0.7', 'target_dec' => '41',
            'shots' => [['filter' => 'L', 'exposure' => 120, 'quantity' => 10]]];
    }
}
