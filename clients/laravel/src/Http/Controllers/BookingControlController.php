<?php

namespace Nocturne\Laravel\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Client\Call;
use Nocturne\Laravel\Data\Receipt;
use Nocturne\Laravel\Support\Bookings;
use Nocturne\Laravel\VoyagerService;
use Symfony\Component\HttpFoundation\StreamedResponse;

/** The roadmap's controller (2.5). Each method takes the site's id of a booking; it can stand behind routes of your own too. */
class BookingControlController extends Controller
{
    public function __construct(private readonly VoyagerService $voyager, private readonly Bookings $bookings)
    {
    }

    public function status(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);
        $target = $row->getAttribute('voyager_target_guid');
        $own = [
            'booking_id' => $row->nocturneId(),
            'booking_status' => $row->getAttribute('status'),
            'phase' => $row->getAttribute('nocturne_phase'),
            'outcome' => $row->getAttribute('nocturne_outcome'),
            'images_captured' => (int) $row->getAttribute('images_captured'),
        ];
        if (!is_string($target)) {
            // Before its objects stand the telescope is somebody else's business.
            $before = ['voyager_status' => 'UNDEFINED', 'active' => false, 'source' => 'none', 'stale' => true];

            return new JsonResponse($own + $before + ['message' => trans('nocturne::nocturne.not_prepared')]);
        }

        return new JsonResponse($own + $this->voyager->state($row->nocturneTelescope(), null, $target)->toArray());
    }

    public function pause(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);

        return $this->answer($this->voyager->pause($row->nocturneId(), $this->key($request)));
    }

    public function resume(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);

        return $this->answer($this->voyager->resume($row->nocturneId(), $this->key($request)));
    }

    public function abort(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);
        $reason = $request->input('reason');
        $said = is_string($reason) ? mb_substr($reason, 0, 200) : null;

        return $this->answer($this->voyager->abort($row->nocturneId(), $said, $this->key($request), 'guest'));
    }

    /** `operation` 0 goes on with the target, 1 stops it; left out, whatever it is not doing now. */
    public function toggle(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forControl($request->user(), $booking);
        $asked = $request->input('operation');
        $stop = is_numeric($asked) ? (int) $asked !== 0 : $this->runs($row);
        $key = $this->key($request);
        $id = $row->nocturneId();

        return $this->answer($stop ? $this->voyager->pause($id, $key) : $this->voyager->resume($id, $key));
    }

    /** What became of a command that was still under way. */
    public function command(Request $request, string $booking, string $command): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);

        return $this->answer($this->voyager->command($row->nocturneId(), $command));
    }

    public function preview(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);
        $image = $this->voyager->sessionPreview($row->nocturneId());

        return new JsonResponse(['image' => $image, 'timestamp' => now()->toIso8601String(), 'meta' => (object) []]);
    }

    public function images(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);
        $query = $request->only(['cursor', 'per_page', 'type', 'state', 'filter', 'order']);
        $page = $this->voyager->images($row->nocturneId(), array_filter($query, 'is_scalar'));

        return new JsonResponse(['data' => $page->items, 'meta' => ['next_cursor' => $page->nextCursor]]);
    }

    /** The FITS file, passed on as it comes; sha256 and length are announced so that a browser's copy can be compared. */
    public function downloadImage(Request $request, string $booking, string $image): StreamedResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);
        $frame = $this->voyager->image($row->nocturneId(), $image);
        $path = sprintf('/api/bookings/%s/images/%s/fits', rawurlencode($row->nocturneId()), rawurlencode($image));
        $body = $this->voyager->open(new Call('GET', $path, timeout: 600));
        $name = preg_replace('/[^\w.+-]+/', '_', $frame->filename) ?: 'frame.fits';
        $headers = ['Content-Type' => 'image/fits', 'X-Content-Sha256' => (string) $frame->sha256];
        if ($frame->sizeBytes !== null) {
            $headers['Content-Length'] = (string) $frame->sizeBytes;
        }
        $send = function () use ($body): void {
            while (!$body->eof()) {
                echo $body->read(1 << 16);
                flush();
            }
        };

        return response()->streamDownload($send, $name, $headers);
    }

    public function stats(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);

        return new JsonResponse($this->voyager->stats($row->nocturneId()));
    }

    public function logs(Request $request, string $booking): JsonResponse
    {
        $row = $this->bookings->forViewing($request->user(), $booking);
        $query = array_filter($request->only(['cursor', 'per_page', 'level', 'order']), 'is_scalar');
        $page = $this->voyager->logs($row->nocturneId(), $query);

        return new JsonResponse(['data' => $page->items, 'meta' => ['next_cursor' => $page->nextCursor]]);
    }

    private function runs(Model $booking): bool
    {
        return in_array($booking->getAttribute('nocturne_phase'), ['starting', 'running'], true);
    }

    /** A page that repeats a command sends the key of its first attempt. */
    private function key(Request $request): ?string
    {
        $key = $request->header('Idempotency-Key');

        return is_string($key) && preg_match('/^[\x21-\x7e]{1,200}$/', $key) === 1 ? $key : null;
    }

    private function answer(Receipt $receipt): JsonResponse
    {
        return new JsonResponse($receipt->toArray(), $receipt->pending() ? 202 : 200);
    }
}
