<?php

namespace Nocturne\Laravel\Broadcasting;

use Illuminate\Contracts\Auth\Authenticatable;
use Nocturne\Laravel\Contracts\SessionGuard;
use Nocturne\Laravel\Support\Bookings;

/** Who may listen on nocturne's channels (docs/live.md), and the signature that lets them in (Pusher protocol 7). */
class Channels
{
    public function __construct(private readonly Bookings $bookings, private readonly SessionGuard $guard)
    {
    }

    /**
     * @param string $channel full name, with `private-` or `presence-`
     * @return array{auth: string, channel_data?: string}|null null when this person may not listen
     */
    public function authorise(?Authenticatable $user, string $channel, string $socketId): ?array
    {
        $secret = config('nocturne.app.secret');
        if (preg_match('/^\d+\.\d+$/', $socketId) !== 1 || !is_string($secret) || $secret === '') {
            return null;
        }
        if (preg_match('/^presence-telescope\.([a-z0-9-]{1,32})$/', $channel, $found) === 1) {
            if ($user === null || !$this->guard->mayJoin($user, $found[1])) {
                return null;
            }
            $data = (string) json_encode($this->member($user));

            return ['auth' => $this->sign($secret, "$socketId:$channel:$data"), 'channel_data' => $data];
        }
        if (preg_match('/^private-(?:cache-)?session\.([A-Za-z0-9_-]{1,64}?)(?:\.state)?$/', $channel, $found) !== 1) {
            return null;
        }

        return $this->mayListen($user, $found[1]) ? ['auth' => $this->sign($secret, "$socketId:$channel")] : null;
    }

    public function mayListen(?Authenticatable $user, string $bookingId): bool
    {
        $booking = $this->bookings->find($bookingId);

        return $booking !== null && $this->guard->mayView($user, $booking);
    }

    /** A member shows role and initials, nothing else; the id is the same for all windows of a person and says nothing about them. */
    public function member(Authenticatable $user): array
    {
        $name = method_exists($user, 'getAttribute') ? (string) $user->getAttribute('name') : '';
        $words = preg_split('/[\s-]+/u', $name, -1, PREG_SPLIT_NO_EMPTY) ?: [];
        $initials = implode('', array_map(fn (string $word) => mb_strtoupper(mb_substr($word, 0, 1)), array_slice($words, 0, 2)));
        $id = hash_hmac('sha256', (string) $user->getAuthIdentifier(), (string) config('nocturne.app.secret'));

        return ['user_id' => substr($id, 0, 16), 'user_info' => ['role' => 'guest', 'initials' => $initials]];
    }

    private function sign(string $secret, string $text): string
    {
        return config('nocturne.app.key') . ':' . hash_hmac('sha256', $text, $secret);
    }
}
