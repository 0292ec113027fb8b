<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;
use Nocturne\Laravel\Support\Columns;

return new class extends Migration {
    public function up(): void
    {
        $table = config('nocturne.tables.bookings');
        if (!Schema::hasTable($table)) {
            throw new RuntimeException(
                "There is no table $table. Name the table of your bookings in config/nocturne.php (tables.bookings), "
                . 'or migrate it first.'
            );
        }
        Columns::ensure($table, [
            'voyager_set_guid' => fn (Blueprint $t) => $t->uuid('voyager_set_guid')->nullable(),
            'voyager_target_guid' => fn (Blueprint $t) => $t->uuid('voyager_target_guid')->nullable(),
            'voyager_shots' => fn (Blueprint $t) => $t->json('voyager_shots')->nullable(),
            'session_started_at' => fn (Blueprint $t) => $t->timestamp('session_started_at')->nullable(),
            'session_ended_at' => fn (Blueprint $t) => $t->timestamp('session_ended_at')->nullable(),
            'images_captured' => fn (Blueprint $t) => $t->integer('images_captured')->default(0),
            'session_stats' => fn (Blueprint $t) => $t->json('session_stats')->nullable(),
            'nocturne_phase' => fn (Blueprint $t) => $t->string('nocturne_phase', 20)->nullable(),
            'nocturne_outcome' => fn (Blueprint $t) => $t->string('nocturne_outcome', 20)->nullable(),
            'nocturne_reason' => fn (Blueprint $t) => $t->string('nocturne_reason', 40)->nullable(),
            'nocturne_sequence' => fn (Blueprint $t) => $t->unsignedBigInteger('nocturne_sequence')->default(0),
            'rebooked_from' => fn (Blueprint $t) => $t->string('rebooked_from', 64)->nullable(),
        ]);
    }

    /** The columns stay: they hold what a night brought, and some may have been the site's own. */
    public function down(): void
    {
    }
};
