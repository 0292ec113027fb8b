<?php

namespace Nocturne\Laravel\Support;

use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

/** Adds to a table what it lacks, and nothing else: a site may have some of these tables and columns already. */
final class Columns
{
    /** @param array<string, callable(Blueprint): mixed> $columns */
    public static function ensure(string $table, array $columns): void
    {
        if (!Schema::hasTable($table)) {
            Schema::create($table, function (Blueprint $blueprint) use ($columns) {
                foreach ($columns as $add) {
                    $add($blueprint);
                }
            });

            return;
        }
        foreach ($columns as $name => $add) {
            if (!Schema::hasColumn($table, $name)) {
                Schema::table($table, fn (Blueprint $blueprint) => $add($blueprint));
            }
        }
    }

    /** The column that refers to a booking, of the type that the site's bookings have. */
    public static function bookingId(Blueprint $table): void
    {
        $model = config('nocturne.booking_model');
        $numbers = !is_string($model) || !class_exists($model) || (new $model())->getKeyType() === 'int';
        $column = $numbers ? $table->unsignedBigInteger('booking_id') : $table->string('booking_id', 64);
        $column->nullable()->index();
    }
}
