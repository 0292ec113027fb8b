<?php

namespace Nocturne\Laravel\Data;

use ArrayIterator;
use Countable;
use IteratorAggregate;

/**
 * One page of a list.
 *
 * @template T
 * @implements IteratorAggregate<int, T>
 */
final class Page implements IteratorAggregate, Countable
{
    /** @param list<T> $items */
    public function __construct(public readonly array $items, public readonly ?string $nextCursor)
    {
    }

    /**
     * @param array<string, mixed> $raw
     * @param callable(array<string, mixed>): T $make
     * @return self<T>
     */
    public static function from(array $raw, callable $make): self
    {
        $items = is_array($raw['data'] ?? null) ? array_values($raw['data']) : [];
        $cursor = $raw['meta']['next_cursor'] ?? null;

        return new self(array_map($make, $items), is_string($cursor) ? $cursor : null);
    }

    public function getIterator(): ArrayIterator
    {
        return new ArrayIterator($this->items);
    }

    public function count(): int
    {
        return count($this->items);
    }
}
