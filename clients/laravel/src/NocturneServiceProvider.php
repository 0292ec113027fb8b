<?php

namespace Nocturne\Laravel;

use Illuminate\Contracts\Container\Container;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Http\Client\Factory;
use Illuminate\Support\Facades\Blade;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\ServiceProvider;
use Nocturne\Laravel\Broadcasting\Channels;
use Nocturne\Laravel\Client\CircuitBreaker;
use Nocturne\Laravel\Client\Connection;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Contracts\SessionGuard;
use Nocturne\Laravel\Support\NoCredits;
use Nocturne\Laravel\Support\OwnersOnly;
use Nocturne\Laravel\Webhooks\Effects;
use Nocturne\Laravel\Webhooks\Handler;
use Nocturne\Laravel\Webhooks\Signatures;

/** Everything of the package, by auto-discovery. */
class NocturneServiceProvider extends ServiceProvider
{
    private const EFFECTS = [
        Effects\KeepColumns::class,
        Effects\KeepImages::class,
        Effects\KeepLog::class,
        Effects\KeepSettlements::class,
    ];

    public function register(): void
    {
        $this->mergeConfigFrom(__DIR__ . '/../config/nocturne.php', 'nocturne');
        $this->app->bindIf(SessionGuard::class, OwnersOnly::class);
        $this->app->bindIf(CreditBook::class, NoCredits::class);
        $this->app->singleton(CircuitBreaker::class, function (Container $app) {
            $config = $app->make('config')->get('nocturne.breaker');
            $cache = $app->make('cache')->store($app->make('config')->get('nocturne.cache'));

            return new CircuitBreaker($cache, (int) $config['failures'], (int) $config['open_seconds']);
        });
        $this->app->bind(Connection::class, fn (Container $app) => new Connection(
            $app->make(Factory::class),
            $app->make(CircuitBreaker::class),
            $this->logger($app),
            $app->make('config')->get('nocturne'),
        ));
        $this->app->bind(VoyagerService::class, fn (Container $app) => new VoyagerService(
            $app->make(Connection::class),
            $app->make(CircuitBreaker::class),
            $app->make('cache')->store($app->make('config')->get('nocturne.cache')),
            (int) $app->make('config')->get('nocturne.state_ttl_seconds'),
        ));
        $this->app->bind(Signatures::class, function (Container $app) {
            $config = $app->make('config')->get('nocturne.webhook');

            return new Signatures((string) $config['secret'], (int) $config['tolerance'], (int) $config['keep_days']);
        });
        $this->app->bind(Handler::class, fn (Container $app) => new Handler(
            $app->make('db'),
            $app->make(Dispatcher::class),
            array_map(fn (string $class) => $app->make($class), self::EFFECTS),
        ));
        // A Factory of its own would not see Http::fake(), so all share one, as Laravel 9 and later do.
        $this->app->singletonIf(Factory::class);
    }

    public function boot(): void
    {
        $this->loadMigrationsFrom(__DIR__ . '/../database/migrations');
        $this->loadViewsFrom(__DIR__ . '/../resources/views', 'nocturne');
        $this->loadTranslationsFrom(__DIR__ . '/../resources/lang', 'nocturne');
        if (config('nocturne.routes.enabled')) {
            $this->loadRoutesFrom(__DIR__ . '/../routes/nocturne.php');
            // Names are known at once, also where no RouteServiceProvider of the site looks them up again.
            $this->app->booted(fn () => $this->app->make('router')->getRoutes()->refreshNameLookups());
        }
        Blade::componentNamespace('Nocturne\\Laravel\\View\\Components', 'nocturne');
        $this->channels();
        if (class_exists('Livewire\\Livewire') && $this->app->bound('livewire')) {
            \Livewire\Livewire::component('nocturne-booking-form', Livewire\BookingForm::class);
        }
        if ($this->app->runningInConsole()) {
            $this->console();
        }
    }

    /** The same channels for sites whose own `/broadcasting/auth` signs them, and the booking's channel of the site itself. */
    private function channels(): void
    {
        $mayListen = fn ($user, string $booking) => $this->app->make(Channels::class)->mayListen($user, $booking);
        Broadcast::channel('session.{booking}', $mayListen);
        Broadcast::channel('cache-session.{booking}.state', $mayListen);
        Broadcast::channel('telescope.{telescope}', function ($user, string $telescope) {
            $channels = $this->app->make(Channels::class);
            $joins = $this->app->make(SessionGuard::class)->mayJoin($user, $telescope);

            return $joins ? $channels->member($user)['user_info'] : false;
        });
        $own = config('nocturne.broadcast_channel');
        if (is_string($own)) {
            Broadcast::channel(str_replace('{id}', '{booking}', $own), $mayListen);
        }
    }

    private function console(): void
    {
        $this->publishes([__DIR__ . '/../config/nocturne.php' => config_path('nocturne.php')], 'nocturne-config');
        $this->publishes([__DIR__ . '/../resources/views' => resource_path('views/vendor/nocturne')], 'nocturne-views');
        $this->publishes([__DIR__ . '/../resources/js' => public_path('vendor/nocturne')], 'nocturne-assets');
        $this->commands([
            Console\InstallCommand::class,
            Console\PingCommand::class,
            Console\DoctorCommand::class,
            Console\ReplayCommand::class,
            Console\TokenCommand::class,
            Console\PruneCommand::class,
        ]);
    }

    private function logger(Container $app): \Psr\Log\LoggerInterface
    {
        $channel = $app->make('config')->get('nocturne.log_channel');
        if (is_string($channel) && $channel !== '') {
            return $app->make('log')->channel($channel);
        }

        return $app->make('log')->build([
            'driver' => 'daily',
            'path' => storage_path('logs/nocturne.log'),
            'days' => 14,
        ]);
    }
}
