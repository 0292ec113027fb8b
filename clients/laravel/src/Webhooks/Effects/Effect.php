<?php

namespace Nocturne\Laravel\Webhooks\Effects;

use Illuminate\Database\Eloquent\Model;
use Nocturne\Laravel\Webhooks\Message;

/** What a message changes on this site, inside the transaction that notes its id. */
interface Effect
{
    /** @param Model|null $booking the site's row, locked; null when the site has none */
    public function apply(Message $message, ?Model $booking): void;
}
