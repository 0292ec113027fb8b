<?php

namespace App\Providers;

use App\PretendCredits;
use Illuminate\Support\Facades\Broadcast;
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
        // Signs the site's own channels, where it broadcasts (BROADCAST_DRIVER=nocturne).
        Broadcast::routes(['middleware' => ['web', 'auth']]);
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}
