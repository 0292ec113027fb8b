<?php

namespace Nocturne\Laravel\Broadcasting;

/** The roadmap's event (6.2): a frame is archived. */
final class NewImageCaptured extends SessionBroadcast
{
}
