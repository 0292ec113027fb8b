<?php

// Debian's Laravel 8 on PHP 8.2 tells of its own deprecated code on every page.
error_reporting(E_ALL & ~E_DEPRECATED);
require_once __DIR__ . '/autoload.php';

$app = new Illuminate\Foundation\Application(dirname(__DIR__));
$storage = getenv('EXAMPLE_STORAGE') ?: dirname(__DIR__) . '/storage';
$app->useStoragePath($storage);
foreach (['framework/views', 'framework/sessions', 'framework/cache/data', 'logs', 'app'] as $folder) {
    if (!is_dir("$storage/$folder")) {
        @mkdir("$storage/$folder", 0o777, true);
    }
}
if (!is_dir(__DIR__ . '/cache')) {
    @mkdir(__DIR__ . '/cache', 0o777, true);
}
$app->singleton(Illuminate\Contracts\Http\Kernel::class, App\Http\Kernel::class);
$app->singleton(Illuminate\Contracts\Console\Kernel::class, App\Console\Kernel::class);
$app->singleton(Illuminate\Contracts\Debug\ExceptionHandler::class, App\Exceptions\Handler::class);

return $app;
