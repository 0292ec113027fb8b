<?php

namespace Nocturne\Laravel\Events;

use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Data\Image;
use Nocturne\Laravel\Data\Settlement;
use Nocturne\Laravel\Webhooks\Message;

/**
 * A webhook, dispatched once, inside the transaction that notes it. A listener that throws undoes everything and the message comes again; letters and
 * other things that cannot be undone belong into a queued listener (`$afterCommit = true`).
 */
abstract class WebhookEvent
{
    /** @param Model|null $booking the site's row, already up to date; null when the site has none */
    final public function __construct(public readonly Message $message, public readonly ?Model $booking)
    {
    }

    /** @return array<string, mixed> */
    public function data(): array
    {
        return $this->message->data;
    }

    public function image(): ?Image
    {
        return $this->message->type === 'image.captured' ? Image::from($this->message->data) : null;
    }

    public function settlement(): ?Settlement
    {
        return $this->message->type === 'credits.settled' ? Settlement::from($this->message->data) : null;
    }
}
