<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration {
    public function up(): void
    {
        Schema::create('users', function (Blueprint $table) {
            $table->id();
            $table->string('name');
            $table->string('email')->unique();
            $table->string('password');
            $table->decimal('credits', 12, 2)->default(0);
            $table->rememberToken();
            $table->timestamps();
        });
        Schema::create('equipment_bookings', function (Blueprint $table) {
            $table->id();
            $table->foreignId('user_id');
            $table->string('telescope_id')->nullable();
            $table->dateTime('start_datetime');
            $table->dateTime('end_datetime');
            $table->string('status')->default('pending');
            $table->string('target_name');
            $table->string('target_ra');
            $table->string('target_dec');
            $table->json('shots');
            $table->float('min_altitude')->default(30);
            $table->float('ha_start')->default(-3);
            $table->float('ha_end')->default(3);
            $table->decimal('credits', 12, 2)->default(0);
            $table->timestamps();
        });
        Schema::create('complaint_answers', function (Blueprint $table) {
            $table->id();
            $table->foreignId('equipment_booking_id');
            $table->string('complaint_id')->unique();
            $table->text('text');
            $table->text('answer');
            $table->decimal('credits_refund', 12, 2)->default(0);
            $table->timestamps();
        });
        Schema::create('notifications', function (Blueprint $table) {
            $table->uuid('id')->primary();
            $table->string('type');
            $table->morphs('notifiable');
            $table->text('data');
            $table->timestamp('read_at')->nullable();
            $table->timestamps();
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('notifications');
        Schema::dropIfExists('complaint_answers');
        Schema::dropIfExists('equipment_bookings');
        Schema::dropIfExists('users');
    }
};
