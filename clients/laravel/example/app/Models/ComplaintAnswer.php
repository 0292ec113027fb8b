<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/** What an operator answered a guest; a complaint has one answer. */
class ComplaintAnswer extends Model
{
    protected $guarded = [];
    protected $casts = ['credits_refund' => 'float'];
}
