<?php

namespace Nocturne\Laravel\Events;

use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Webhooks\Message;

/** Type of a webhook → class of its event. */
final class EventMap
{
    public const CLASSES = [
        'booking.accepted' => BookingAccepted::class,
        'session.prepared' => SessionPrepared::class,
        'session.starting_soon' => SessionStartingSoon::class,
        'session.started' => SessionStarted::class,
        'session.paused' => SessionPaused::class,
        'session.resumed' => SessionResumed::class,
        'session.extended' => SessionExtended::class,
        'session.rescheduled' => SessionRescheduled::class,
        'session.cancelled' => SessionCancelled::class,
        'session.aborted' => SessionAborted::class,
        'session.weathered_out' => SessionWeatheredOut::class,
        'session.failed' => SessionFailed::class,
        'session.completed' => SessionCompleted::class,
        'image.captured' => ImageCaptured::class,
        'images.digest' => ImagesDigest::class,
        'images.expiring' => ImagesExpiring::class,
        'control.confirmed' => ControlConfirmed::class,
        'control.refused' => ControlRefused::class,
        'credits.settled' => CreditsSettled::class,
        'complaint.answered' => ComplaintAnswered::class,
        'error.occurred' => ErrorOccurred::class,
    ];

    public static function make(Message $message, ?Model $booking): WebhookEvent
    {
        $class = self::CLASSES[$message->type] ?? UnknownWebhook::class;

        return new $class($message, $booking);
    }
}
