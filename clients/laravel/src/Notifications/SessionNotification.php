<?php

namespace Nocturne\Laravel\Notifications;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Notifications\Messages\MailMessage;
use Illuminate\Notifications\Notification;
use Nocturne\Laravel\VoyagerService;

/** A letter or in-app note about a session (roadmap 6.1), in the guest's language. Texts: resources/lang, `nocturne::nocturne.letters`. */
abstract class SessionNotification extends Notification implements ShouldQueue
{
    use Queueable;

    protected const LINES = '';

    /** @param array<string, mixed> $data the webhook's */
    final public function __construct(public readonly Model $booking, public readonly array $data = [])
    {
    }

    /** @return list<string> */
    public function via(mixed $notifiable): array
    {
        return config('nocturne.notifications.channels');
    }

    public function toMail(mixed $notifiable): MailMessage
    {
        $mail = (new MailMessage())->subject($this->line('subject'))->line($this->line('text'));
        $reason = $this->reason();
        if ($reason !== null) {
            $mail->line($reason);
        }
        $link = app(VoyagerService::class)->controlLink($this->booking->nocturneId());

        return $mail->action(trans('nocturne::nocturne.open'), $link);
    }

    /** @return array<string, mixed> for the database and for the site's in-app notes */
    public function toArray(mixed $notifiable): array
    {
        return [
            'type' => class_basename(static::class),
            'booking_id' => $this->booking->nocturneId(),
            'title' => $this->line('subject'),
            'text' => trim($this->line('text') . ' ' . $this->reason()),
        ];
    }

    private function line(string $part): string
    {
        return trans('nocturne::nocturne.letters.' . static::LINES . ".$part", [
            'target' => (string) $this->booking->getAttribute('target_name'),
            'count' => (string) ($this->data['images_captured'] ?? $this->booking->getAttribute('images_captured')),
            'outcome' => trans('nocturne::nocturne.outcomes.' . ($this->data['outcome'] ?? 'completed')),
        ]);
    }

    private function reason(): ?string
    {
        $reason = $this->data['reason'] ?? null;
        $key = "nocturne::reasons.$reason";

        return is_string($reason) && trans()->has($key) ? trans($key) : null;
    }
}
