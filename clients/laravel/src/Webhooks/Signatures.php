<?php

namespace Nocturne\Laravel\Webhooks;

use Nocturne\Laravel\Exceptions\BadSignature;

/**
 * Checks who sent a webhook and when. Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`: base64 HMAC-SHA256 of
 * "id.timestamp.body", keyed with the decoded part of the secret) is used where its headers stand; else `Signature` (hex HMAC-SHA256 of the body, keyed
 * with the whole secret). Any of several secrets will do, while they rotate.
 */
final class Signatures
{
    /** @var list<string> */
    private readonly array $secrets;

    public function __construct(string $secrets, private readonly int $toleranceSeconds, private readonly int $keepDays)
    {
        $this->secrets = array_values(array_filter(array_map('trim', explode(',', $secrets))));
    }

    /**
     * @param callable(string): ?string $header value of a header, null where there is none
     * @throws BadSignature for a wrong or old message
     */
    public function check(string $body, callable $header): Message
    {
        if ($this->secrets === []) {
            throw new BadSignature('NOCTURNE_WEBHOOK_SECRET is not set, so no webhook can be believed.');
        }
        $standard = $header('webhook-signature');
        $good = $standard !== null
            ? $this->standard($body, $standard, (string) $header('webhook-id'), (string) $header('webhook-timestamp'))
            : $this->plain($body, (string) $header('Signature'));
        if (!$good) {
            throw new BadSignature('The signature does not fit.');
        }
        $message = Message::fromBody($body);
        if ($standard !== null && $header('webhook-id') !== $message->id) {
            throw new BadSignature('The id of the header is not that of the body.');
        }
        if ($message->createdAt->lt(now()->subDays($this->keepDays))) {
            throw new BadSignature("The message is older than $this->keepDays days; whether it was handled is not known any more.");
        }

        return $message;
    }

    private function standard(string $body, string $signatures, string $id, string $timestamp): bool
    {
        if (!ctype_digit($timestamp) || abs(now()->getTimestamp() - (int) $timestamp) > $this->toleranceSeconds) {
            throw new BadSignature("The message was not signed within $this->toleranceSeconds s of now.");
        }
        $given = preg_split('/\s+/', trim($signatures)) ?: [];
        foreach ($this->secrets as $secret) {
            $key = str_starts_with($secret, 'whsec_') ? (string) base64_decode(substr($secret, 6), true) : $secret;
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
            foreach ($given as $one) {
                if ($key !== '' && hash_equals($expected, $one)) {
                    return true;
                }
            }
        }

        return false;
    }

    private function plain(string $body, string $signature): bool
    {
        foreach ($this->secrets as $secret) {
            if (hash_equals(hash_hmac('sha256', $body, $secret), $signature)) {
                return true;
            }
        }

        return false;
    }
}
