<?php

namespace Nocturne\Laravel\Models;

use Illuminate\Database\Eloquent\Builder;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;

/** A line of a session's history on this site, one per webhook that tells of the session. */
class ObservationLog extends Model
{
    public const UPDATED_AT = null;

    protected $guarded = [];

    protected $casts = ['data' => 'array', 'created_at' => 'datetime'];

    public function getTable(): string
    {
        return config('nocturne.tables.logs');
    }

    public function booking(): BelongsTo
    {
        return $this->belongsTo(config('nocturne.booking_model'), 'booking_id');
    }

    public function scopePrunable(Builder $query, int $days): void
    {
        $query->where('created_at', '<', now()->subDays($days));
    }
}
