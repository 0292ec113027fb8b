<?php

namespace Nocturne\Laravel\Data;

use ArrayAccess;
use Illuminate\Contracts\Support\Arrayable;
use JsonSerializable;
use LogicException;

/**
 * A body of nocturne: the fields that this package knows as typed properties, and all of it as an array, so that a newer server's fields are not lost.
 *
 * @implements ArrayAccess<string, mixed>
 * @implements Arrayable<string, mixed>
 */
abstract class Data implements ArrayAccess, Arrayable, JsonSerializable
{
    /** @var array<string, mixed> */
    protected array $raw = [];

    /** @return array<string, mixed> */
    public function toArray(): array
    {
        return $this->raw;
    }

    /** @return array<string, mixed> */
    public function jsonSerialize(): array
    {
        return $this->toArray();
    }

    public function offsetExists(mixed $offset): bool
    {
        return isset($this->toArray()[$offset]);
    }

    public function offsetGet(mixed $offset): mixed
    {
        return $this->toArray()[$offset] ?? null;
    }

    public function offsetSet(mixed $offset, mixed $value): void
    {
        throw new LogicException('What nocturne said cannot be changed here.');
    }

    public function offsetUnset(mixed $offset): void
    {
        throw new LogicException('What nocturne said cannot be changed here.');
    }
}
