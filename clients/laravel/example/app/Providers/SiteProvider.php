<?php

namespace App\Providers;

use App\Listeners\KeepAnswer;
use App\PretendCredits;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Events\ComplaintAnswered;

class SiteProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->bind(CreditBook::class, PretendCredits::class);
    }

    public function boot(): void
    {
        Event::listen(ComplaintAnswered::class, [KeepAnswer::class, 'handle']);
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}
