<?php

namespace Nocturne\Laravel\Data;

use Carbon\CarbonImmutable;

/** A frame of a session. The addresses are whole ones for a page, signed, and end after a while. */
final class Image extends Data
{
    private function __construct(
        public readonly string $id,
        public readonly string $bookingId,
        public readonly string $filename,
        public readonly ?string $type,
        public readonly ?string $filter,
        public readonly ?float $exposureSeconds,
        public readonly ?float $hfd,
        public readonly string $state,
        public readonly ?string $sha256,
        public readonly ?int $sizeBytes,
        public readonly ?string $url,
        public readonly ?string $previewUrl,
        public readonly ?string $thumbnailUrl,
        public readonly ?CarbonImmutable $capturedAt,
    ) {
    }

    /** @param array<string, mixed> $raw */
    public static function from(array $raw): self
    {
        $read = new Read($raw);
        $size = $read->number('size_bytes');
        $image = new self(
            id: (string) $read->text('id'),
            bookingId: (string) $read->text('booking_id'),
            filename: (string) $read->text('filename'),
            type: $read->text('type'),
            filter: $read->text('filter'),
            exposureSeconds: $read->number('exposure'),
            hfd: $read->number('hfd'),
            state: $read->text('state') ?? 'pending',
            sha256: $read->text('sha256'),
            sizeBytes: $size === null ? null : (int) $size,
            url: $read->address('url'),
            previewUrl: $read->address('preview_url'),
            thumbnailUrl: $read->address('thumbnail_url'),
            capturedAt: $read->time('captured_at'),
        );
        $image->raw = $raw;

        return $image;
    }
}
