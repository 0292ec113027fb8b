<?php

return [

    /*
     * Where nocturne answers, and the server key. The key stays on the server: pages get tokens.
     */
    'url' => rtrim((string) env('VOYAGER_PROXY_URL', 'http://127.0.0.1:3000'), '/'),
    'key' => env('VOYAGER_PROXY_API_KEY'),

    /*
     * Where browsers reach nocturne, when that is another address than the server's.
     */
    'public_url' => rtrim((string) env('NOCTURNE_PUBLIC_URL', env('VOYAGER_PROXY_URL', 'http://127.0.0.1:3000')), '/'),

    /*
     * The telescope of a booking that names none.
     */
    'telescope' => env('NOCTURNE_TELESCOPE'),

    /*
     * Key and secret of the live stream: PUSHER_APP_KEY and PUSHER_APP_SECRET of nocturne itself.
     */
    'app' => [
        'key' => env('NOCTURNE_APP_KEY', 'nocturne'),
        'secret' => env('NOCTURNE_APP_SECRET'),
    ],

    /*
     * Seconds. A control waits up to ten seconds for telemetry, so the timeout of a request must be longer.
     */
    'timeout' => 15,
    'connect_timeout' => 3,
    /* Attempts of a request in all; every write carries a key that makes a repetition the same command. */
    'tries' => 3,
    'retry_wait_ms' => 250,

    /*
     * After `failures` in a row nothing is asked for `open_seconds`; then one request probes. Stops pass always.
     */
    'breaker' => ['failures' => 4, 'open_seconds' => 30],

    /* Store of the breaker and of the last known states; null is the site's default. */
    'cache' => env('NOCTURNE_CACHE'),
    'state_ttl_seconds' => 86400,

    /* A log channel of the site; null writes storage/logs/nocturne.log. */
    'log_channel' => env('NOCTURNE_LOG_CHANNEL'),

    'webhook' => [
        /* Address on this site, below `routes.prefix`; WEBHOOK_URL of nocturne points to it. */
        'path' => 'webhooks',
        /* `whsec_…`; several, separated by commas, while they rotate. */
        'secret' => env('NOCTURNE_WEBHOOK_SECRET'),
        /* How far the two clocks may differ, in seconds. */
        'tolerance' => 300,
        /* Ids of handled messages are kept so long, and older messages are refused. */
        'keep_days' => 400,
    ],

    /*
     * The site's model of a booking. It uses the trait HasNocturneSession.
     */
    'booking_model' => env('NOCTURNE_BOOKING_MODEL', 'App\\Models\\EquipmentBooking'),
    'tables' => [
        'bookings' => 'equipment_bookings',
        'images' => 'observation_images',
        'logs' => 'observation_logs',
    ],
    /*
     * Which of nocturne's words stand in the column `status`: `status` (confirmed, running, completed, cancelled),
     * `access_state` (upcoming, active, finished, cancelled), or null to leave that column alone.
     */
    'status' => 'status',

    'routes' => [
        'enabled' => true,
        'prefix' => 'nocturne',
        'middleware' => ['web', 'auth'],
    ],

    /* Channel of the site's own broadcast events; {id} is the key of the booking. Null sends none. */
    'broadcast_channel' => 'booking.{id}',

    /* Letters and in-app notes by this site. Leave it off while nocturne sends the letters itself (SMTP_URL there). */
    'notifications' => ['enabled' => false, 'channels' => ['mail', 'database']],

    /* After a night lost to weather: `offer` free slots, `auto` books the first of them, null does nothing. */
    'rebook' => 'offer',
    'rebook_days' => 14,

    /* Credits for an hour, for the booking form; null uses the telescope's own tariff. */
    'credits_per_hour' => null,

    /* nocturne:prune deletes older rows; null keeps them. */
    'prune' => ['logs_days' => 365, 'images_days' => null],
];
