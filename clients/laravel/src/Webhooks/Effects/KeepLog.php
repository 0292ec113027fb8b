<?php

namespace Nocturne\Laravel\Webhooks\Effects;

use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Models\ObservationLog;
use Nocturne\Laravel\Webhooks\Message;

/** A row of `observation_logs` for each message of a booking, in the site's language. */
final class KeepLog implements Effect
{
    private const LEVELS = [
        'error.occurred' => 'ERROR',
        'session.failed' => 'ERROR',
        'session.paused' => 'WARNING',
        'session.weathered_out' => 'WARNING',
        'session.aborted' => 'WARNING',
        'control.refused' => 'WARNING',
    ];

    public function apply(Message $message, ?Model $booking): void
    {
        if ($booking === null) {
            return;
        }
        $said = $message->data['message'] ?? null;
        ObservationLog::query()->create([
            'booking_id' => $booking->getKey(),
            'level' => self::LEVELS[$message->type] ?? 'INFO',
            'event' => $message->type,
            'message' => is_string($said) ? $said : trans('nocturne::nocturne.events')[$message->type] ?? $message->type,
            'data' => array_diff_key($message->data, ['metadata' => 0, 'histogram' => 0, 'stats' => 0]),
            'created_at' => $message->createdAt,
        ]);
    }
}
