<?php

namespace Nocturne\Laravel\View\Components;

use Illuminate\Contracts\View\View;
use Illuminate\Database\Eloquent\Model;
use Illuminate\View\Component;
use Nocturne\Laravel\Contracts\SessionGuard;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\Exceptions\NotFound;
use Nocturne\Laravel\VoyagerService;

/** The report of a night that is over: `<x-nocturne::report :booking="$booking" />`. */
final class Report extends Component
{
    /** @var array<string, mixed>|null */
    public ?array $report = null;
    public ?string $problem = null;
    public bool $allowed;
    public ?string $download = null;

    public function __construct(VoyagerService $voyager, SessionGuard $guard, public Model $booking)
    {
        $this->allowed = $guard->mayView(auth()->user(), $booking);
        if (!$this->allowed) {
            return;
        }
        try {
            $this->report = $voyager->report($booking->nocturneId());
            $this->download = $this->absolute($this->report['files']['download_link'] ?? null);
        } catch (NotFound) {
            $this->problem = trans('nocturne::nocturne.no_report');
        } catch (NocturneException) {
            $this->problem = trans('nocturne::nocturne.unavailable');
        }
    }

    public function render(): View
    {
        return view('nocturne::components.report');
    }

    /** A figure, or the word for what nobody measured. */
    public function figure(mixed $value, int $digits, string $unit = ''): string
    {
        return is_numeric($value)
            ? trim(number_format((float) $value, $digits, app()->getLocale() === 'fr' ? ',' : '.', ' ') . ' ' . $unit)
            : trans('nocturne::nocturne.report.unknown');
    }

    private function absolute(mixed $link): ?string
    {
        if (!is_string($link)) {
            return null;
        }

        return str_starts_with($link, '/') ? config('nocturne.public_url') . $link : $link;
    }
}
