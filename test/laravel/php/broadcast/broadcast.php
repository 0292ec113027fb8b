<?php

// Laravel's own broadcaster, as a site has it whose BROADCAST_DRIVER is `pusher` and whose options name nocturne.
//
//   php broadcast.php auth CHANNEL SOCKET USER   the answer of /broadcasting/auth, as JSON
//   php broadcast.php publish BOOKING FILE       the package's event NewImageCaptured
//   php broadcast.php refused                    the words of Laravel for a secret that is wrong

use App\Models\EquipmentBooking;
use App\Models\User;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Broadcast;
use Nocturne\Laravel\Broadcasting\NewImageCaptured;

$app = require __DIR__ . '/../../../../clients/laravel/example/bootstrap/app.php';
$library = getenv('PUSHER_HTTP_PHP');
$files = $library === false
    ? [__DIR__ . '/ApiErrorException.php', __DIR__ . '/Pusher.php']
    : array_map(fn (string $name) => "$library/src/$name.php", ['PusherException', 'ApiErrorException', 'PusherInterface', 'PusherCrypto', 'Pusher']);
foreach ($files as $file) {
    require_once $file;
}
$app->make(Kernel::class)->bootstrap();
[, $what, $first, $second, $third] = $argv + ['', '', '', '', ''];
config([
    'broadcasting.default' => 'pusher',
    'queue.default' => 'sync',
    'broadcasting.connections.pusher' => [
        'driver' => 'pusher',
        'key' => getenv('PUSHER_APP_KEY'),
        'secret' => $what === 'refused' ? 'another-secret' : getenv('PUSHER_APP_SECRET'),
        'app_id' => getenv('PUSHER_APP_ID'),
        'options' => ['host' => '127.0.0.1', 'port' => (int) getenv('PUSHER_PORT'), 'scheme' => 'http', 'useTLS' => false],
    ],
]);
$booking = (new EquipmentBooking())->forceFill(['id' => $what === 'publish' ? $first : '42']);
if ($what === 'publish') {
    event(new NewImageCaptured($booking, ['image' => ['filename' => $second]]));
    exit(0);
}
if ($what === 'refused') {
    try {
        event(new NewImageCaptured($booking));
        exit(1);
    } catch (BroadcastException $thrown) {
        echo $thrown->getMessage();
        exit(0);
    }
}
Broadcast::channel('booking.{id}', fn (User $user, string $id) => $id === "$user->id");
Broadcast::channel('night.{id}', fn (User $user, string $id) => ['name' => $user->name]);
$user = (new User())->forceFill(['id' => (int) $third, 'name' => 'Ada']);
$request = Request::create('/broadcasting/auth', 'POST', ['channel_name' => $first, 'socket_id' => $second]);
$request->setUserResolver(fn () => $user);
try {
    echo json_encode(Broadcast::auth($request));
} catch (Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException) {
    echo json_encode(['status' => 403]);
}
