<?php

namespace Nocturne\Laravel\Webhooks\Effects;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Carbon;
use Nocturne\Laravel\Models\ObservationImage;
use Nocturne\Laravel\Webhooks\Message;

/** A row of `observation_images` for each frame that was captured, and the booking's count of them. */
final class KeepImages implements Effect
{
    private const FIELDS = ['filename', 'type', 'filter', 'exposure', 'temperature', 'binning', 'gain', 'offset', 'hfd',
        'size_bytes', 'sha256'];

    public function apply(Message $message, ?Model $booking): void
    {
        $data = $message->data;
        if ($message->type !== 'image.captured' || $booking === null || !is_string($data['id'] ?? null)) {
            return;
        }
        $values = ['booking_id' => $booking->getKey()];
        foreach (self::FIELDS as $field) {
            if (isset($data[$field])) {
                $values[$field] = $data[$field];
            }
        }
        if (is_string($data['captured_at'] ?? null)) {
            $values['captured_at'] = Carbon::parse($data['captured_at']);
        }
        $values['metadata'] = is_array($data['metadata'] ?? null) ? $data['metadata'] : null;
        ObservationImage::query()->updateOrCreate(['nocturne_id' => $data['id']], $values);
        $count = ObservationImage::query()->where('booking_id', $booking->getKey())->whereNotNull('nocturne_id')->count();
        if ($count > (int) $booking->getAttribute('images_captured')) {
            $booking->setAttribute('images_captured', $count);
            $booking->save();
        }
    }
}
