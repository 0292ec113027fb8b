<?php

namespace Nocturne\Laravel\Webhooks\Effects;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Carbon;
use Nocturne\Laravel\Webhooks\Message;

/**
 * Keeps the booking's columns (roadmap 2.4) true. Messages of a booking come in order, but one that was given up may come days later: what is older than
 * the row changes nothing.
 */
final class KeepColumns implements Effect
{
    private const TEXTS = [
        'voyager_set_guid' => ['voyager_set_guid', 'set_guid'],
        'voyager_target_guid' => ['voyager_target_guid', 'target_guid'],
        'nocturne_phase' => ['phase'],
        'nocturne_outcome' => ['outcome'],
    ];

    public function apply(Message $message, ?Model $booking): void
    {
        if ($booking === null || !$this->tellsOfSession($message->type)) {
            return;
        }
        if ($message->sequence <= (int) $booking->getAttribute('nocturne_sequence')) {
            return;
        }
        $booking->setAttribute('nocturne_sequence', $message->sequence);
        $data = $message->data;
        foreach (self::TEXTS as $column => $names) {
            foreach ($names as $name) {
                if (is_string($data[$name] ?? null)) {
                    $booking->setAttribute($column, $data[$name]);
                    break;
                }
            }
        }
        if (array_key_exists('phase', $data)) {
            $booking->setAttribute('nocturne_reason', is_string($data['reason'] ?? null) ? $data['reason'] : null);
        }
        foreach (['session_started_at', 'session_ended_at'] as $column) {
            if (is_string($data[$column] ?? null)) {
                $booking->setAttribute($column, Carbon::parse($data[$column]));
            }
        }
        foreach (['voyager_shots', 'session_stats'] as $column) {
            if (is_array($data[$column] ?? null)) {
                $booking->setAttribute($column, $data[$column]);
            }
        }
        if (is_int($data['images_captured'] ?? null)) {
            $booking->setAttribute('images_captured', $data['images_captured']);
        }
        $this->keepSlot($message, $booking);
        $this->keepStatus($message, $booking);
        $booking->save();
    }

    private function tellsOfSession(string $type): bool
    {
        return $type === 'booking.accepted' || $type === 'images.digest' || str_starts_with($type, 'session.');
    }

    private function keepStatus(Message $message, Model $booking): void
    {
        $vocabulary = config('nocturne.status');
        if ($vocabulary !== null && is_string($message->data[$vocabulary] ?? null)) {
            $booking->setAttribute('status', $message->data[$vocabulary]);
        }
    }

    /** The slot itself, where it was moved; a site whose columns have other names listens to the event. */
    private function keepSlot(Message $message, Model $booking): void
    {
        if (!in_array($message->type, ['session.rescheduled', 'session.extended'], true)) {
            return;
        }
        foreach (['start' => 'start_datetime', 'end' => 'end_datetime'] as $name => $column) {
            if (is_string($message->data[$name] ?? null) && array_key_exists($column, $booking->getAttributes())) {
                $booking->setAttribute($column, Carbon::parse($message->data[$name]));
            }
        }
    }
}
