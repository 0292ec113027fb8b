<?php

namespace Nocturne\Laravel\Events;

/** Webhook `booking.accepted`: the booking stands. */
final class BookingAccepted extends WebhookEvent
{
}
