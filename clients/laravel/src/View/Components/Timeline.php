<?php

namespace Nocturne\Laravel\View\Components;

use Illuminate\Contracts\View\View;
use Illuminate\Database\Eloquent\Model;
use Illuminate\View\Component;
use Nocturne\Laravel\Contracts\SessionGuard;
use Nocturne\Laravel\Data\LogLine;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\Models\ObservationLog;
use Nocturne\Laravel\VoyagerService;

/** The night's log, oldest first: `<x-nocturne::timeline :booking="$booking" />`. While nocturne is away, what this site's own log holds, and it says so. */
final class Timeline extends Component
{
    /** @var list<array{at: string, level: string, text: string}> */
    public array $lines = [];
    public bool $away = false;
    public bool $allowed;

    public function __construct(VoyagerService $voyager, SessionGuard $guard, public Model $booking, int $limit = 100)
    {
        $this->allowed = $guard->mayView(auth()->user(), $booking);
        if (!$this->allowed) {
            return;
        }
        try {
            $page = $voyager->logs($booking->nocturneId(), ['per_page' => min(100, $limit), 'order' => 'newest']);
            $this->lines = array_map(fn (LogLine $line) => [
                'at' => $line->at->utc()->format('H:i:s'),
                'level' => $line->level,
                'text' => $line->text(app()->getLocale()),
            ], array_reverse($page->items));
        } catch (NocturneException) {
            $this->away = true;
            $this->lines = $this->own($limit);
        }
    }

    public function render(): View
    {
        return view('nocturne::components.timeline');
    }

    /** @return list<array{at: string, level: string, text: string}> */
    private function own(int $limit): array
    {
        $rows = ObservationLog::query()->where('booking_id', $this->booking->getKey())->latest('id')->limit($limit)->get();

        return $rows->reverse()->map(fn (ObservationLog $row) => [
            'at' => $row->created_at?->utc()->format('H:i:s') ?? '',
            'level' => (string) $row->level,
            'text' => (string) $row->message,
        ])->values()->all();
    }
}
