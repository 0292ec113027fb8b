<?php

namespace Nocturne\Laravel\Webhooks;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\ConnectionInterface;
use Illuminate\Database\DatabaseManager;
use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Events\EventMap;
use Nocturne\Laravel\Webhooks\Effects\Effect;

/**
 * Handles each message once: its id is written in the same transaction as its effects, and the effects of listeners that use the same connection.
 * When one of them throws, nothing is kept and nocturne delivers again.
 */
class Handler
{
    /** @param list<Effect> $effects */
    public function __construct(
        private readonly DatabaseManager $database,
        private readonly Dispatcher $events,
        private readonly array $effects,
    ) {
    }

    /** @return bool false when the message was handled before */
    public function handle(Message $message): bool
    {
        $connection = $this->connection();

        return (bool) $connection->transaction(function () use ($connection, $message): bool {
            $row = [
                'id' => $message->id,
                'type' => $message->type,
                'booking_id' => $message->bookingId,
                'sequence' => $message->sequence,
                'handled_at' => now(),
            ];
            if ($connection->table('nocturne_webhooks')->insertOrIgnore($row) === 0) {
                return false;
            }
            $booking = $this->lockBooking($message);
            foreach ($this->effects as $effect) {
                $effect->apply($message, $booking);
            }
            $this->events->dispatch(EventMap::make($message, $booking));

            return true;
        });
    }

    private function lockBooking(Message $message): ?Model
    {
        $class = config('nocturne.booking_model');
        if ($message->bookingId === null || !is_string($class) || !class_exists($class)) {
            return null;
        }
        $found = $class::findByNocturneId($message->bookingId);

        return $found === null ? null : $class::query()->lockForUpdate()->find($found->getKey());
    }

    private function connection(): ConnectionInterface
    {
        $class = config('nocturne.booking_model');
        $name = is_string($class) && class_exists($class) ? (new $class())->getConnectionName() : null;

        return $this->database->connection($name);
    }
}
