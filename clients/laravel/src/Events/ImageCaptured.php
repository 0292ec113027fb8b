<?php

namespace Nocturne\Laravel\Events;

/** Webhook `image.captured`: a frame is archived; `image()` gives it. */
final class ImageCaptured extends WebhookEvent
{
}
