<?php

use App\Http\Controllers\SiteController;
use Illuminate\Support\Facades\Route;

Route::get('/', [SiteController::class, 'home'])->name('home');
Route::post('/register', [SiteController::class, 'register'])->name('register');
Route::post('/login', [SiteController::class, 'login'])->name('login');
Route::post('/logout', [SiteController::class, 'logout'])->name('logout');
Route::group(['middleware' => 'auth'], function () {
    Route::get('/book', [SiteController::class, 'book'])->name('book');
    Route::get('/nights/{booking}', [SiteController::class, 'night'])->name('night');
    Route::get('/nights/{booking}/report', [SiteController::class, 'report'])->name('report');
});
