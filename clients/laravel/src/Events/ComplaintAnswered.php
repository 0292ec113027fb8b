<?php

namespace Nocturne\Laravel\Events;

/** Webhook `complaint.answered`: what an operator answers a guest. Credits that it gives back follow as `credits.settled`. */
final class ComplaintAnswered extends WebhookEvent
{
}
