<?php

namespace Nocturne\Laravel\Client;

use Nocturne\Laravel\Data\ObservatoryState;
use Nocturne\Laravel\Data\Receipt;
use Nocturne\Laravel\Exceptions\ProblemException;
use Nocturne\Laravel\Exceptions\Unreachable;

/** The routes of the roadmap's proxy (1.4): one telescope, whoever has it now. `telescope` may be left out where there is one. */
trait ControlsTelescope
{
    /**
     * What the telescope does now. While nocturne is away it is the last answer with its age, and says so.
     *
     * @throws ProblemException when nocturne answers and refuses, other than by being away itself
     */
    public function state(?string $telescope = null, ?string $setGuid = null, ?string $targetGuid = null): ObservatoryState
    {
        $query = ['telescope' => $telescope, 'setGuid' => $setGuid, 'targetGuid' => $targetGuid];
        $key = 'nocturne.state.' . sha1((string) json_encode($query));
        try {
            $body = $this->call(Call::get('/api/dashboard/state', $query));
        } catch (Unreachable $thrown) {
            return $this->lastKnown($key, $thrown->getMessage());
        } catch (ProblemException $thrown) {
            if ($thrown->status < 500) {
                throw $thrown;
            }

            return $this->lastKnown($key, $thrown->getMessage());
        }
        $this->cache->put($key, $body, $this->stateTtlSeconds);

        return ObservatoryState::live($body);
    }

    private function lastKnown(string $key, string $why): ObservatoryState
    {
        $last = $this->cache->get($key);

        return ObservatoryState::away(is_array($last) ? $last : null, $why);
    }

    /** Stops what nocturne started on the telescope, or one target or set. Sent even while the circuit breaker is open. */
    public function stopTelescope(
        ?string $telescope = null,
        ?string $setGuid = null,
        ?string $targetGuid = null,
        ?string $idempotencyKey = null,
    ): Receipt {
        $body = array_filter(['setGuid' => $setGuid, 'targetGuid' => $targetGuid]);
        $query = array_filter(['telescope' => $telescope]);

        return Receipt::from($this->call(Call::post('/api/control/abort', $body, $idempotencyKey, true, $query)));
    }

    /**
     * Enables or disables an object of RoboTarget.
     *
     * @param int $objectType 0 set, 1 target, 2 shot
     * @param int $operation 0 enable, 1 disable
     */
    public function toggle(
        string $objectGuid,
        int $objectType,
        int $operation,
        ?string $telescope = null,
        ?string $idempotencyKey = null,
    ): Receipt {
        $body = ['objectGuid' => $objectGuid, 'objectType' => $objectType, 'operation' => $operation];
        $query = array_filter(['telescope' => $telescope]);
        $call = Call::post('/api/control/toggle', $body, $idempotencyKey, $operation === 1, $query);

        return Receipt::from($this->call($call));
    }

    /** The newest picture of the camera. @return array{image: string, timestamp: string, meta: array<string, mixed>} */
    public function preview(?string $telescope = null): array
    {
        return $this->call(Call::get('/api/camera/preview', ['telescope' => $telescope]));
    }

    /** The link between nocturne and Voyager. @return array<string, mixed> */
    public function connectionStatus(?string $telescope = null): array
    {
        return $this->call(Call::get('/api/status/connection', ['telescope' => $telescope]));
    }

    /** @return array<string, mixed> */
    public function currentSequence(?string $telescope = null): array
    {
        return $this->call(Call::get('/api/sequences/current', ['telescope' => $telescope]));
    }

    /** The telescopes with their filters and sites. @return list<array<string, mixed>> */
    public function telescopes(): array
    {
        return array_values($this->call(Call::get('/api/telescopes'))['data'] ?? []);
    }

    /** Nights, taken slots and free time. @return array<string, mixed> */
    public function availability(string $telescope, string $from, string $to): array
    {
        return $this->call(Call::get(self::path('/api/telescopes/%s/availability', $telescope), compact('from', 'to')));
    }
}
