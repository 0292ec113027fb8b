<?php

namespace Nocturne\Laravel\Events;

/** Webhook `images.digest`: a number of frames together. */
final class ImagesDigest extends WebhookEvent
{
}
