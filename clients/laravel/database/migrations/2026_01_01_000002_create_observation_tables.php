<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Nocturne\Laravel\Support\Columns;

return new class extends Migration {
    public function up(): void
    {
        Columns::ensure(config('nocturne.tables.images'), [
            'id' => fn (Blueprint $t) => $t->id(),
            'booking_id' => fn (Blueprint $t) => Columns::bookingId($t),
            'nocturne_id' => fn (Blueprint $t) => $t->string('nocturne_id', 64)->nullable()->unique(),
            'filename' => fn (Blueprint $t) => $t->string('filename')->default(''),
            'path' => fn (Blueprint $t) => $t->string('path', 1024)->nullable(),
            'preview_path' => fn (Blueprint $t) => $t->string('preview_path', 1024)->nullable(),
            'type' => fn (Blueprint $t) => $t->string('type', 10)->nullable(),
            'filter' => fn (Blueprint $t) => $t->string('filter', 40)->nullable(),
            'exposure' => fn (Blueprint $t) => $t->float('exposure')->nullable(),
            'temperature' => fn (Blueprint $t) => $t->float('temperature')->nullable(),
            'binning' => fn (Blueprint $t) => $t->integer('binning')->nullable(),
            'gain' => fn (Blueprint $t) => $t->integer('gain')->nullable(),
            'offset' => fn (Blueprint $t) => $t->integer('offset')->nullable(),
            'hfd' => fn (Blueprint $t) => $t->float('hfd')->nullable(),
            'size_bytes' => fn (Blueprint $t) => $t->unsignedBigInteger('size_bytes')->nullable(),
            'sha256' => fn (Blueprint $t) => $t->string('sha256', 64)->nullable(),
            'metadata' => fn (Blueprint $t) => $t->json('metadata')->nullable(),
            'captured_at' => fn (Blueprint $t) => $t->timestamp('captured_at')->nullable(),
            'created_at' => fn (Blueprint $t) => $t->timestamp('created_at')->nullable()->index(),
            'updated_at' => fn (Blueprint $t) => $t->timestamp('updated_at')->nullable(),
        ]);
        Columns::ensure(config('nocturne.tables.logs'), [
            'id' => fn (Blueprint $t) => $t->id(),
            'booking_id' => fn (Blueprint $t) => Columns::bookingId($t),
            'level' => fn (Blueprint $t) => $t->string('level', 10)->default('INFO'),
            'event' => fn (Blueprint $t) => $t->string('event', 60)->default(''),
            'message' => fn (Blueprint $t) => $t->text('message')->nullable(),
            'data' => fn (Blueprint $t) => $t->json('data')->nullable(),
            'created_at' => fn (Blueprint $t) => $t->timestamp('created_at')->nullable()->index(),
        ]);
    }

    /** The tables stay: they may have been the site's own before. */
    public function down(): void
    {
    }
};
