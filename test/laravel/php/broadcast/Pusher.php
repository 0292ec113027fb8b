<?php

// Stands in for pusher/pusher-php-server where it cannot be installed: the three calls that Laravel's broadcaster makes, really signed and sent
// by Pusher's public pages "HTTP API" and "Authenticating users".

namespace Pusher;

use GuzzleHttp\Client;

class Pusher
{
    private readonly Client $http;
    private readonly string $base;

    /** @param array{host: string, port: int, scheme: string} $options */
    public function __construct(
        private readonly string $key,
        private readonly string $secret,
        private readonly string $appId,
        array $options
    ) {
        $this->base = "{$options['scheme']}://{$options['host']}:{$options['port']}";
        $this->http = new Client(['timeout' => 10, 'http_errors' => false]);
    }

    /**
     * @param list<string>          $channels
     * @param array<string, mixed>  $data
     * @param array<string, string> $parameters
     */
    public function trigger(array $channels, string $event, array $data, array $parameters = []): object
    {
        $body = (string) json_encode(
            ['name' => $event, 'channels' => $channels, 'data' => json_encode($data)] + $parameters
        );
        $path = "/apps/$this->appId/events";
        $query = [
            'auth_key' => $this->key,
            'auth_timestamp' => (string) time(),
            'auth_version' => '1.0',
            'body_md5' => md5($body),
        ];
        $query['auth_signature'] = hash_hmac('sha256', "POST\n$path\n" . urldecode(http_build_query($query)), $this->secret);
        $answer = $this->http->post("$this->base$path", [
            'query' => $query,
            'body' => $body,
            'headers' => ['Content-Type' => 'application/json'],
        ]);
        if ($answer->getStatusCode() !== 200) {
            throw new ApiErrorException((string) $answer->getBody(), $answer->getStatusCode());
        }

        return (object) json_decode((string) $answer->getBody(), true);
    }

    // phpcs:ignore PSR1.Methods.CamelCapsMethodName -- the library's name
    public function socket_auth(string $channel, string $socketId): string
    {
        return (string) json_encode(['auth' => $this->sign("$socketId:$channel")]);
    }

    /** @param array<string, mixed> $info */
    // phpcs:ignore PSR1.Methods.CamelCapsMethodName -- the library's name
    public function presence_auth(string $channel, string $socketId, string $userId, array $info): string
    {
        $data = (string) json_encode(['user_id' => $userId, 'user_info' => $info]);

        return (string) json_encode(['auth' => $this->sign("$socketId:$channel:$data"), 'channel_data' => $data]);
    }

    private function sign(string $text): string
    {
        return "$this->key:" . hash_hmac('sha256', $text, $this->secret);
    }
}
