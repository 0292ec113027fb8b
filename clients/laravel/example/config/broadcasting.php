<?php

return [
    'default' => env('BROADCAST_DRIVER', 'null'),
    'connections' => [
        'null' => ['driver' => 'null'],
        'log' => ['driver' => 'log'],
        // nocturne itself takes the site's events too: it speaks Pusher's HTTP API.
        'nocturne' => [
            'driver' => 'pusher',
            'key' => env('NOCTURNE_APP_KEY', 'nocturne'),
            'secret' => env('NOCTURNE_APP_SECRET'),
            'app_id' => env('NOCTURNE_APP_ID', 'nocturne'),
            'options' => [
                'host' => parse_url((string) env('VOYAGER_PROXY_URL'), PHP_URL_HOST),
                'port' => parse_url((string) env('VOYAGER_PROXY_URL'), PHP_URL_PORT),
                'scheme' => parse_url((string) env('VOYAGER_PROXY_URL'), PHP_URL_SCHEME),
                'useTLS' => parse_url((string) env('VOYAGER_PROXY_URL'), PHP_URL_SCHEME) === 'https',
            ],
        ],
    ],
];
