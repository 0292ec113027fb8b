<?php

namespace Nocturne\Laravel\View\Components;

use Illuminate\Contracts\View\View;
use Illuminate\Database\Eloquent\Model;
use Illuminate\View\Component;
use Nocturne\Laravel\Contracts\SessionGuard;
use Nocturne\Laravel\Exceptions\NocturneException;
use Nocturne\Laravel\VoyagerService;

/**
 * The night on the screen: `<x-nocturne::control :booking="$booking" />`. Stands before the page's own Alpine; `frame` shows it in an iframe instead,
 * for pages without Alpine. Shows nothing to whoever may not watch.
 */
final class Control extends Component
{
    public ?string $token = null;
    public ?string $link = null;
    public bool $allowed;
    public string $url;
    public string $id;

    public function __construct(
        VoyagerService $voyager,
        SessionGuard $guard,
        public Model $booking,
        public bool $frame = false,
        public string $height = '90vh',
    ) {
        $this->url = (string) config('nocturne.public_url');
        $this->id = $booking->nocturneId();
        $user = auth()->user();
        $this->allowed = $guard->mayView($user, $booking);
        if (!$this->allowed) {
            return;
        }
        $scopes = $guard->mayControl($user, $booking) ? null : ['session:view'];
        try {
            $token = $voyager->token('booking', $this->id, $scopes);
            $this->token = $token->token;
            $this->link = $this->url . '/control/' . rawurlencode($this->id) . '#token=' . rawurlencode($token->token);
        } catch (NocturneException) {
            // The view says that the observatory cannot be reached.
        }
    }

    public function render(): View
    {
        return view('nocturne::components.control');
    }
}
