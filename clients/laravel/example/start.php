<?php

// Starts the example beside the demo: php clients/laravel/example/start.php
$root = dirname(__DIR__, 3);
$port = (int) (getenv('EXAMPLE_PORT') ?: 8000);
$url = "http://127.0.0.1:$port";
$storage = __DIR__ . '/storage';
if (!is_dir($storage)) {
    mkdir($storage, 0o777, true);
}
$kept = "$storage/secrets.json";
if (!is_file($kept)) {
    $made = ['webhook' => 'whsec_' . base64_encode(random_bytes(24)), 'key' => 'base64:' . base64_encode(random_bytes(32))];
    file_put_contents($kept, json_encode($made));
    chmod($kept, 0o600);
}
$secrets = json_decode((string) file_get_contents($kept), true);
$demo = json_decode((string) @file_get_contents("$root/.data/demo.json"), true);
echo "The demo tells this site of its nights when it is started so:\n\n"
    . "  WEBHOOK_URL=$url/nocturne/webhooks WEBHOOK_SECRET={$secrets['webhook']} WEBHOOK_ALLOW_PRIVATE=true \\\n"
    . "    CORS_ORIGINS=$url EMBED_ORIGINS=$url npm start\n\n";
if (!is_array($demo)) {
    fwrite(STDERR, "It does not run yet (.data/demo.json is missing). Start it, then this again.\n");
    exit(1);
}
$environment = [
    'APP_KEY' => $secrets['key'],
    'APP_URL' => $url,
    'VOYAGER_PROXY_URL' => $demo['api_url'],
    'VOYAGER_PROXY_API_KEY' => $demo['api_key'],
    'NOCTURNE_APP_KEY' => $demo['app_key'],
    'NOCTURNE_APP_SECRET' => $demo['app_secret'],
    'NOCTURNE_WEBHOOK_SECRET' => $secrets['webhook'],
    'PHP_CLI_SERVER_WORKERS' => '4',
];
foreach ($environment as $name => $value) {
    putenv("$name=$value");
}
touch(__DIR__ . '/database/site.sqlite');
passthru(escapeshellarg(PHP_BINARY) . ' ' . escapeshellarg(__DIR__ . '/artisan') . ' migrate --force', $status);
if ($status !== 0) {
    exit($status);
}
echo "\nThe site: $url\n";
pcntl_exec(PHP_BINARY, ['-S', "127.0.0.1:$port", '-t', __DIR__ . '/public', __DIR__ . '/public/server.php']);
