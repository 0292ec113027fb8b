<?php

// Router of PHP's own web server: files of this folder as they are, Alpine from nocturne's modules, everything else to the application.
$path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if ($path !== '/' && is_file(__DIR__ . $path) && !str_ends_with($path, '.php')) {
    return false;
}
$alpine = __DIR__ . '/../../../../node_modules/@alpinejs/csp/dist/cdn.min.js';
if ($path === '/alpine.js' && is_file($alpine)) {
    header('Content-Type: text/javascript');
    readfile($alpine);

    return true;
}
require __DIR__ . '/index.php';
