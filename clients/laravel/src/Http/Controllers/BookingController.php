<?php

namespace Nocturne\Laravel\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Nocturne\Laravel\Bookings\Desk;
use Nocturne\Laravel\Bookings\Rebooking;
use Nocturne\Laravel\Bookings\RowMaker;
use Nocturne\Laravel\Exceptions\NotEnoughCredits;
use Nocturne\Laravel\Support\Bookings;
use Nocturne\Laravel\VoyagerService;

/** What the embedded booking form and the pages of a lost night send. */
final class BookingController extends Controller
{
    public function __construct(private readonly Desk $desk, private readonly Bookings $bookings)
    {
    }

    /** The body is `event.detail` of `nocturne:booking`. 201: it stands. 202: sent, and nobody heard the answer yet. */
    public function store(Request $request, RowMaker $rows, VoyagerService $voyager): JsonResponse
    {
        $user = $request->user();
        $plan = $rows->plan($request->json()->all(), $user);
        $check = $voyager->check($plan + array_filter(['credits_per_hour' => config('nocturne.credits_per_hour')]));
        if (!$check->ok) {
            $message = trans('nocturne::nocturne.not_possible');

            return new JsonResponse(['message' => $message, 'errors' => $check->errors, 'conflict' => $check['conflict']], 422);
        }
        $credits = $check->credits ?? 0.0;
        try {
            $booking = $this->desk->reserve($rows->make($plan, $user, $credits), $user, $credits);
        } catch (NotEnoughCredits $thrown) {
            return new JsonResponse(['message' => $thrown->getMessage(), 'code' => 'not_enough_credits'], 402);
        }
        $pending = $booking->getAttribute('status') === Desk::PENDING;

        return new JsonResponse([
            'id' => $booking->nocturneId(),
            'status' => $booking->getAttribute('status'),
            'message' => trans($pending ? 'nocturne::nocturne.pending' : 'nocturne::nocturne.booked'),
        ], $pending ? 202 : 201);
    }

    /** Free slots for a booking that came to nothing. */
    public function offers(Request $request, string $booking, Rebooking $rebooking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);

        return new JsonResponse(['data' => $rebooking->offers($row)]);
    }

    public function rebook(Request $request, string $booking, Rebooking $rebooking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);
        $start = $request->input('start');
        $lost = in_array($row->getAttribute('nocturne_outcome'), ['weathered_out', 'failed'], true);
        if (!$lost || !is_string($start) || strtotime($start) === false) {
            $message = trans('nocturne::nocturne.not_rebookable');

            return new JsonResponse(['message' => $message, 'errors' => ['start' => [$message]]], 422);
        }
        if ($row->newQuery()->where('rebooked_from', $row->nocturneId())->where('status', '!=', 'cancelled')->exists()) {
            return new JsonResponse(['message' => trans('nocturne::nocturne.rebooked_already')], 409);
        }
        $fresh = $rebooking->accept($row, $request->user(), $start);

        return new JsonResponse(['id' => $fresh->nocturneId(), 'status' => $fresh->getAttribute('status')], 201);
    }
}
