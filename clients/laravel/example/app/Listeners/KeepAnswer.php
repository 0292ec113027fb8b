<?php

namespace App\Listeners;

use App\Models\ComplaintAnswer;
use Nocturne\Laravel\Events\ComplaintAnswered;

/** Keeps an answer beside its night. Its credits are booked by `credits.settled`, so here they are only shown. */
class KeepAnswer
{
    public function handle(ComplaintAnswered $event): void
    {
        if ($event->booking === null) {
            return;
        }
        $data = $event->data();
        ComplaintAnswer::query()->updateOrCreate(
            ['complaint_id' => $data['complaint_id']],
            [
                'equipment_booking_id' => $event->booking->getKey(),
                'text' => $data['text'],
                'answer' => $data['answer'],
                'credits_refund' => $data['credits_refund'] ?? 0,
            ],
        );
    }
}
