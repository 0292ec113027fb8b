<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration {
    public function up(): void
    {
        Schema::create('nocturne_webhooks', function (Blueprint $table) {
            $table->string('id', 100)->primary();
            $table->string('type', 60);
            $table->string('booking_id', 64)->nullable()->index();
            $table->unsignedBigInteger('sequence');
            $table->timestamp('handled_at')->nullable()->index();
        });
        Schema::create('nocturne_settlements', function (Blueprint $table) {
            $table->string('settlement_id', 100)->primary();
            $table->string('booking_id', 64)->nullable()->index();
            $table->decimal('credits_refund', 12, 2);
            $table->string('supersedes', 100)->nullable();
            $table->timestamp('created_at')->nullable();
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('nocturne_settlements');
        Schema::dropIfExists('nocturne_webhooks');
    }
};
