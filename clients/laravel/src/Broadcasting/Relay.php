<?php

namespace Nocturne\Laravel\Broadcasting;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Webhooks\Message;

/** Webhook → the roadmap's five broadcast events (6.2). */
class Relay
{
    private const STATE = ['phase', 'status', 'access_state', 'hold_cause', 'reason', 'outcome', 'at'];
    private const IMAGE = ['id', 'filename', 'type', 'filter', 'exposure', 'hfd', 'captured_at'];

    public function __construct(private readonly Dispatcher $events)
    {
    }

    public function send(Message $message, Model $booking): void
    {
        if (config('nocturne.broadcast_channel') === null) {
            return;
        }
        foreach ($this->eventsOf($message, $booking) as $event) {
            $this->events->dispatch($event);
        }
    }

    /** @return list<SessionBroadcast> */
    private function eventsOf(Message $message, Model $booking): array
    {
        $data = $message->data;
        $state = array_intersect_key($data, array_flip(self::STATE));
        $weather = $message->type === 'session.weathered_out'
            || ($message->type === 'session.paused' && ($data['hold_cause'] ?? $data['cause'] ?? null) === 'weather');
        $fault = in_array($message->type, ['error.occurred', 'session.failed'], true)
            || ($message->type === 'session.paused' && ($data['hold_cause'] ?? $data['cause'] ?? null) === 'fault');
        $events = [];
        if (isset($data['phase'])) {
            $events[] = new ObservationStateChanged($booking, $state);
        }
        if ($message->type === 'image.captured') {
            $events[] = new NewImageCaptured($booking, ['image' => array_intersect_key($data, array_flip(self::IMAGE))]);
            $events[] = new SequenceProgress($booking, $this->progress($booking));
        }
        if ($weather) {
            $events[] = new WeatherAlert($booking, $state);
        }
        if ($fault) {
            $said = is_string($data['message'] ?? null) ? ['message' => $data['message']] : [];
            $events[] = new ErrorAlert($booking, $state + $said);
        }

        return $events;
    }

    /** @return array{shots_done: int, shots_total: int|null, percent: float|null} */
    private function progress(Model $booking): array
    {
        $shots = $booking->toNocturne()['shots'] ?? [];
        $total = (int) array_sum(array_column($shots, 'quantity'));
        $done = (int) $booking->getAttribute('images_captured');

        return [
            'shots_done' => $done,
            'shots_total' => $total === 0 ? null : $total,
            'percent' => $total === 0 ? null : round(min(100, 100 * $done / $total), 1),
        ];
    }
}
