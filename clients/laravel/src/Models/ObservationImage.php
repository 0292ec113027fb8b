<?php

namespace Nocturne\Laravel\Models;

use Illuminate\Database\Eloquent\Builder;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;

/** A frame of a session as this site knows it; the pixels stay with nocturne unless the site copies them to `path`. */
class ObservationImage extends Model
{
    protected $guarded = [];

    protected $casts = [
        'exposure' => 'float',
        'temperature' => 'float',
        'binning' => 'integer',
        'gain' => 'integer',
        'offset' => 'integer',
        'hfd' => 'float',
        'size_bytes' => 'integer',
        'metadata' => 'array',
        'captured_at' => 'datetime',
    ];

    public function getTable(): string
    {
        return config('nocturne.tables.images');
    }

    public function booking(): BelongsTo
    {
        return $this->belongsTo(config('nocturne.booking_model'), 'booking_id');
    }

    /** What nocturne:prune may delete; a row with a copy of the frame on this site's disk stays. */
    public function scopePrunable(Builder $query, int $days): void
    {
        $query->where('created_at', '<', now()->subDays($days))->whereNull('path');
    }
}
