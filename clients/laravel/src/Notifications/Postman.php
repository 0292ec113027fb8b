<?php

namespace Nocturne\Laravel\Notifications;

use Illuminate\Contracts\Notifications\Dispatcher;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Webhooks\Message;

/** Webhook → letter, for sites that write to their guests themselves. */
class Postman
{
    private const LETTERS = [
        'session.prepared' => ObservationPrepared::class,
        'session.starting_soon' => SessionStarting::class,
        'session.started' => SessionStarted::class,
        'session.paused' => SessionPaused::class,
        'session.resumed' => SessionResumed::class,
        'session.completed' => SessionCompleted::class,
        'session.aborted' => SessionCompleted::class,
        'session.weathered_out' => SessionCompleted::class,
        'session.failed' => SessionCompleted::class,
        'images.digest' => ImagesCaptured::class,
        'error.occurred' => ErrorOccurred::class,
    ];

    public function __construct(private readonly Dispatcher $notifications)
    {
    }

    public function deliver(Message $message, Model $booking): void
    {
        $class = self::LETTERS[$message->type] ?? null;
        $operator = ($message->data['audience'] ?? null) === 'operator';
        if ($class === null || $operator || !config('nocturne.notifications.enabled')) {
            return;
        }
        $user = method_exists($booking, 'user') ? $booking->getRelationValue('user') : null;
        if ($user !== null) {
            $this->notifications->send($user, new $class($booking, $message->data));
        }
    }
}
