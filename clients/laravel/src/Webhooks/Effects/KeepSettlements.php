<?php

namespace Nocturne\Laravel\Webhooks\Effects;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Facades\DB;
use Nocturne\Laravel\Contracts\CreditBook;
use Nocturne\Laravel\Data\Settlement;
use Nocturne\Laravel\Webhooks\Message;

/** Books what is given back once per settlement; a later settlement of the same night books the difference. */
final class KeepSettlements implements Effect
{
    public function __construct(private readonly CreditBook $credits)
    {
    }

    public function apply(Message $message, ?Model $booking): void
    {
        if ($message->type !== 'credits.settled') {
            return;
        }
        $settlement = Settlement::from($message->data);
        $row = [
            'settlement_id' => $settlement->settlementId,
            'booking_id' => $message->bookingId,
            'credits_refund' => $settlement->creditsRefund,
            'supersedes' => $settlement->supersedes,
            'created_at' => now(),
        ];
        $table = DB::connection($booking?->getConnectionName())->table('nocturne_settlements');
        if ($settlement->settlementId === '' || (clone $table)->insertOrIgnore($row) === 0) {
            return;
        }
        $before = $settlement->supersedes === null ? 0.0 : (float) (clone $table)
            ->where('settlement_id', $settlement->supersedes)
            ->value('credits_refund');
        if ($booking !== null && $settlement->creditsRefund - $before !== 0.0) {
            $this->credits->refund($booking, $settlement->creditsRefund - $before, $settlement);
        }
    }
}
