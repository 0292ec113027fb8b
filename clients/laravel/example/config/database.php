<?php

return [
    'default' => env('DB_CONNECTION', 'sqlite'),
    'connections' => [
        'sqlite' => [
            'driver' => 'sqlite',
            'database' => env('DB_DATABASE', database_path('site.sqlite')),
            'prefix' => '',
            'foreign_key_constraints' => true,
            'options' => [PDO::ATTR_TIMEOUT => 15],
        ],
        'pgsql' => ['driver' => 'pgsql', 'url' => env('SITE_DATABASE_URL'), 'charset' => 'utf8', 'prefix' => ''],
    ],
    'migrations' => 'migrations',
];
