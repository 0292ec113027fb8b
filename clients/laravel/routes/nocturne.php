<?php

use Illuminate\Support\Facades\Route;
use Nocturne\Laravel\Http\Controllers\BookingControlController;
use Nocturne\Laravel\Http\Controllers\BookingController;
use Nocturne\Laravel\Http\Controllers\ChannelController;
use Nocturne\Laravel\Http\Controllers\WebhookController;

Route::group(['prefix' => config('nocturne.routes.prefix'), 'as' => 'nocturne.'], function () {
    // Signed by nocturne: no session, no form token.
    Route::post(config('nocturne.webhook.path'), WebhookController::class)->name('webhooks');

    Route::group(['middleware' => config('nocturne.routes.middleware')], function () {
        Route::post('broadcasting/auth', ChannelController::class)->name('broadcasting.auth');
        Route::post('bookings', [BookingController::class, 'store'])->name('bookings.store');
        Route::group(['prefix' => 'bookings/{booking}', 'as' => 'bookings.'], function () {
            Route::get('offers', [BookingController::class, 'offers'])->name('offers');
            Route::post('rebook', [BookingController::class, 'rebook'])->name('rebook');
            Route::get('status', [BookingControlController::class, 'status'])->name('status');
            Route::post('pause', [BookingControlController::class, 'pause'])->name('pause');
            Route::post('resume', [BookingControlController::class, 'resume'])->name('resume');
            Route::post('abort', [BookingControlController::class, 'abort'])->name('abort');
            Route::post('toggle', [BookingControlController::class, 'toggle'])->name('toggle');
            Route::get('commands/{command}', [BookingControlController::class, 'command'])->name('command');
            Route::get('preview', [BookingControlController::class, 'preview'])->name('preview');
            Route::get('images', [BookingControlController::class, 'images'])->name('images');
            Route::get('images/{image}/download', [BookingControlController::class, 'downloadImage'])->name('download');
            Route::get('stats', [BookingControlController::class, 'stats'])->name('stats');
            Route::get('logs', [BookingControlController::class, 'logs'])->name('logs');
        });
    });
});
