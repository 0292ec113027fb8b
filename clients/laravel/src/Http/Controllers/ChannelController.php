<?php

namespace Nocturne\Laravel\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Nocturne\Laravel\Broadcasting\Channels;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

/** Echo's `authEndpoint` for nocturne's stream; independent of the site's own broadcaster. */
final class ChannelController extends Controller
{
    public function __invoke(Request $request, Channels $channels): JsonResponse
    {
        $channel = (string) $request->input('channel_name');
        $answer = $channels->authorise($request->user(), $channel, (string) $request->input('socket_id'));
        if ($answer === null) {
            throw new AccessDeniedHttpException();
        }

        return new JsonResponse($answer, 200, ['Cache-Control' => 'no-store']);
    }
}
