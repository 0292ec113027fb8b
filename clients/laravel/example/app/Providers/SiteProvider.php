<?php

namespace App\Providers;

use App\PretendCredits;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;
use Nocturne\Laravel\Contracts\CreditBook;

class SiteProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->bind(CreditBook::class, PretendCredits::class);
    }

    public function boot(): void
    {
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}
