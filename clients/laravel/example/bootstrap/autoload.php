<?php

// With Composer: vendor/. Without it: Debian's php-laravel-framework and php-guzzlehttp-guzzle, and the package beside this folder.
$vendor = __DIR__ . '/../vendor/autoload.php';
if (is_file($vendor)) {
    require $vendor;

    return;
}
foreach (['Illuminate/autoload.php', 'GuzzleHttp/autoload.php'] as $file) {
    if (!stream_resolve_include_path($file)) {
        fwrite(STDERR, "Laravel is missing: composer install, or apt-get install php-laravel-framework php-guzzlehttp-guzzle\n");
        exit(1);
    }
    require_once $file;
}
spl_autoload_register(function (string $class): void {
    $roots = ['App\\' => __DIR__ . '/../app/', 'Nocturne\\Laravel\\' => __DIR__ . '/../../src/'];
    foreach ($roots as $prefix => $root) {
        $path = $root . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($path)) {
            require $path;
        }
    }
});
