<?php

// The example site is the application under test. Its storage lies outside the checkout.
error_reporting(E_ALL & ~E_DEPRECATED);
require_once 'Illuminate/autoload.php';
require_once 'GuzzleHttp/autoload.php';
$storage = getenv('EXAMPLE_STORAGE') ?: sys_get_temp_dir() . '/nocturne-phpunit-' . getmypid();
putenv("EXAMPLE_STORAGE=$storage");
require_once __DIR__ . '/../../../clients/laravel/example/bootstrap/autoload.php';
spl_autoload_register(function (string $class): void {
    $path = __DIR__ . '/' . str_replace('\\', '/', substr($class, strlen('NocturneTests\\'))) . '.php';
    if (str_starts_with($class, 'NocturneTests\\') && is_file($path)) {
        require $path;
    }
});
