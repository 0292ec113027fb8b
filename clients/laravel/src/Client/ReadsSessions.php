<?php

namespace Nocturne\Laravel\Client;

use Nocturne\Laravel\Data\Image;
use Nocturne\Laravel\Data\LogLine;
use Nocturne\Laravel\Data\Page;
use Nocturne\Laravel\Exceptions\DownloadCorrupted;

/** What a session has brought: pictures, figures, log, report. */
trait ReadsSessions
{
    /**
     * @param array<string, scalar|null> $query cursor, per_page, type, state, filter, order
     * @return Page<Image>
     */
    public function images(string $bookingId, array $query = []): Page
    {
        $body = $this->call(Call::get(self::path('/api/bookings/%s/images', $bookingId), $query));

        return Page::from($body, fn (array $raw) => Image::from($raw));
    }

    public function image(string $bookingId, string $imageId): Image
    {
        return Image::from($this->call(Call::get(self::path('/api/bookings/%s/images/%s', $bookingId, $imageId))));
    }

    /**
     * Writes the FITS file to `path`, and only when it is the archived one to the last bit.
     *
     * @throws DownloadCorrupted when length or sha256 differ; nothing is left at `path` then
     */
    public function downloadImage(string $bookingId, string $imageId, string $path): Image
    {
        $image = $this->image($bookingId, $imageId);
        $part = $path . '.' . bin2hex(random_bytes(4)) . '.part';
        try {
            $address = self::path('/api/bookings/%s/images/%s/fits', $bookingId, $imageId);
            $this->connection->send(new Call('GET', $address, timeout: 600, sink: $part));
            $length = $image->sizeBytes === null || filesize($part) === $image->sizeBytes;
            if (!$length || $image->sha256 === null || hash_file('sha256', $part) !== $image->sha256) {
                throw new DownloadCorrupted("$image->filename did not arrive as it was archived");
            }
            if (!rename($part, $path)) {
                throw new DownloadCorrupted("$image->filename could not be written to its place");
            }

            return $image;
        } finally {
            if (is_file($part)) {
                unlink($part);
            }
        }
    }

    /** The newest live picture of a running session, as a data URL. */
    public function sessionPreview(string $bookingId): string
    {
        $answer = $this->connection->send(Call::get(self::path('/api/bookings/%s/preview.jpg', $bookingId)));

        return 'data:image/jpeg;base64,' . base64_encode($answer->body());
    }

    /** Figures of the session so far. @return array<string, mixed> */
    public function stats(string $bookingId): array
    {
        return $this->call(Call::get(self::path('/api/bookings/%s/stats', $bookingId)));
    }

    /**
     * The night's log, newest first.
     *
     * @param array<string, scalar|null> $query cursor, per_page, level, order
     * @return Page<LogLine>
     */
    public function logs(string $bookingId, array $query = []): Page
    {
        $body = $this->call(Call::get(self::path('/api/bookings/%s/logs', $bookingId), $query));

        return Page::from($body, fn (array $raw) => LogLine::from($raw));
    }

    /** The state of a session in one body of at most 8 KB. @return array<string, mixed> */
    public function snapshot(string $bookingId): array
    {
        return $this->call(Call::get(self::path('/api/bookings/%s/snapshot', $bookingId)));
    }

    /** The report, once the session is over. @return array<string, mixed> */
    public function report(string $bookingId): array
    {
        return $this->call(Call::get(self::path('/api/bookings/%s/report', $bookingId)));
    }
}
