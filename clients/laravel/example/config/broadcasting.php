<?php

return [
    'default' => env('BROADCAST_DRIVER', 'null'),
    'connections' => [
        'null' => ['driver' => 'null'],
        'log' => ['driver' => 'log'],
    ],
];
