<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\HasMany;
use Nocturne\Laravel\Concerns\HasNocturneSession;

class EquipmentBooking extends Model
{
    use HasNocturneSession;

    protected $guarded = [];
    protected $casts = ['start_datetime' => 'datetime', 'end_datetime' => 'datetime'];

    public function user(): BelongsTo
    {
        return $this->belongsTo(User::class);
    }

    public function answers(): HasMany
    {
        return $this->hasMany(ComplaintAnswer::class);
    }
}
