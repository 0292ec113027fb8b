<?php

namespace Nocturne\Laravel\Client;

use Illuminate\Support\Str;

/**
 * Objects of RoboTarget, with the roadmap's names (4.3). The site needs these only for targets that belong to no booking: a booking makes its own.
 * Every new object carries its GUID, so that a repetition makes nothing twice.
 */
trait EditsRoboTarget
{
    /** @param array<string, mixed> $data Name, ProfileName, Status, Tag; returns the GUID */
    public function addSet(array $data, ?string $telescope = null): string
    {
        return $this->add('sets', 'Guid', $data, $telescope);
    }

    /** @param array<string, mixed> $data */
    public function updateSet(string $guid, array $data, ?string $telescope = null): bool
    {
        return $this->edit('PUT', "sets/$guid", $data, $telescope);
    }

    /** @param int $status 0 enabled, 1 disabled */
    public function updateSetStatus(string $guid, int $status, ?string $telescope = null): bool
    {
        return $this->updateSet($guid, ['Status' => $status], $telescope);
    }

    public function deleteSet(string $guid, ?string $telescope = null): bool
    {
        return $this->edit('DELETE', "sets/$guid", null, $telescope);
    }

    /** @return array<string, mixed> */
    public function getSet(string $guid, ?string $telescope = null): array
    {
        return $this->call(Call::get("/api/robotarget/sets/$guid", ['telescope' => $telescope]));
    }

    /** @param array<string, mixed> $data TargetName, RefGuidSet, RAJ2000, DECJ2000 …; returns the GUID */
    public function addTarget(array $data, ?string $telescope = null): string
    {
        return $this->add('targets', 'GuidTarget', $data, $telescope);
    }

    /** @param array<string, mixed> $data */
    public function updateTarget(string $guid, array $data, ?string $telescope = null): bool
    {
        return $this->edit('PUT', "targets/$guid", $data, $telescope);
    }

    public function deleteTarget(string $guid, ?string $telescope = null): bool
    {
        return $this->edit('DELETE', "targets/$guid", null, $telescope);
    }

    /** @return array<string, mixed> */
    public function getTarget(string $guid, ?string $telescope = null): array
    {
        return $this->call(Call::get("/api/robotarget/targets/$guid", ['telescope' => $telescope]));
    }

    public function activateTarget(string $guid, ?string $telescope = null): bool
    {
        return $this->edit('POST', "targets/$guid/activate", [], $telescope);
    }

    /** Sent even while the circuit breaker is open, since it stops. */
    public function deactivateTarget(string $guid, ?string $telescope = null): bool
    {
        return $this->edit('POST', "targets/$guid/deactivate", [], $telescope, true);
    }

    /** @param array<string, mixed> $data RefGuidTarget, FilterIndex, Num, Bin, Exposure …; returns the GUID */
    public function addShot(array $data, ?string $telescope = null): string
    {
        return $this->add('shots', 'GuidShot', $data, $telescope);
    }

    /** @param array<string, mixed> $data */
    public function updateShot(string $guid, array $data, ?string $telescope = null): bool
    {
        return $this->edit('PUT', "shots/$guid", $data, $telescope);
    }

    public function deleteShot(string $guid, ?string $telescope = null): bool
    {
        return $this->edit('DELETE', "shots/$guid", null, $telescope);
    }

    /** @return array<string, mixed> */
    public function getShot(string $guid, ?string $telescope = null): array
    {
        return $this->call(Call::get("/api/robotarget/shots/$guid", ['telescope' => $telescope]));
    }

    /** @return list<array<string, mixed>> */
    public function listSets(?string $telescope = null): array
    {
        return $this->listOf('sets', ['telescope' => $telescope]);
    }

    /** @return list<array<string, mixed>> */
    public function listTargetsForSet(string $setGuid, ?string $telescope = null): array
    {
        return $this->listOf('targets', ['setGuid' => $setGuid, 'telescope' => $telescope]);
    }

    /** @return list<array<string, mixed>> */
    public function listShotsForTarget(string $targetGuid, ?string $telescope = null): array
    {
        return $this->listOf('shots', ['targetGuid' => $targetGuid, 'telescope' => $telescope]);
    }

    /** @param array<string, mixed> $data */
    private function add(string $kind, string $guidField, array $data, ?string $telescope): string
    {
        $guid = (string) ($data[$guidField] ?? Str::uuid());
        $query = array_filter(['telescope' => $telescope]);
        $body = [$guidField => $guid] + $data;
        $this->call(Call::post("/api/robotarget/$kind", $body, $guid, query: $query));

        return $guid;
    }

    /**
     * True only when the change was read back; a receipt that is still under way is false.
     *
     * @param array<string, mixed>|null $data
     */
    private function edit(string $method, string $path, ?array $data, ?string $telescope, bool $always = false): bool
    {
        $query = array_filter(['telescope' => $telescope]);
        $key = (string) Str::uuid();
        $answer = $this->call(new Call($method, "/api/robotarget/$path", $data, $query, $key, $always));

        return !isset($answer['state']) || $answer['state'] === 'confirmed';
    }

    /**
     * @param array<string, mixed> $query
     * @return list<array<string, mixed>>
     */
    private function listOf(string $kind, array $query): array
    {
        return array_values($this->call(Call::get("/api/robotarget/$kind", $query))['data'] ?? []);
    }
}
