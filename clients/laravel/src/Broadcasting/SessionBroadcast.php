<?php

namespace Nocturne\Laravel\Broadcasting;

use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Database\Eloquent\Model;

/** An event of this site's own stream, on the booking's private channel. Listen with a leading dot: `.NewImageCaptured`. */
abstract class SessionBroadcast implements ShouldBroadcast
{
    public readonly string $bookingId;
    public readonly string $channel;

    /** @param array<string, mixed> $data */
    final public function __construct(Model $booking, public readonly array $data = [])
    {
        $this->bookingId = $booking->nocturneId();
        $this->channel = str_replace('{id}', $this->bookingId, (string) config('nocturne.broadcast_channel'));
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel($this->channel);
    }

    public function broadcastAs(): string
    {
        return class_basename(static::class);
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return ['booking_id' => $this->bookingId] + $this->data;
    }
}
