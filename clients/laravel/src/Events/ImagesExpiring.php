<?php

namespace Nocturne\Laravel\Events;

/** Webhook `images.expiring`: the day on which frames will be deleted. */
final class ImagesExpiring extends WebhookEvent
{
}
