<?php

namespace Nocturne\Laravel\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Routing\Controller;
use Nocturne\Laravel\Exceptions\BadSignature;
use Nocturne\Laravel\Webhooks\Aftermath;
use Nocturne\Laravel\Webhooks\Handler;
use Nocturne\Laravel\Webhooks\Signatures;
use Psr\Log\LoggerInterface;

/** Takes nocturne's messages. 204: handled, now or before. 400: not believed. Anything else makes nocturne try again. */
final class WebhookController extends Controller
{
    public function __invoke(
        Request $request,
        Signatures $signatures,
        Handler $handler,
        Aftermath $aftermath,
        LoggerInterface $log,
    ): Response {
        try {
            $message = $signatures->check($request->getContent(), fn (string $name) => $request->header($name));
        } catch (BadSignature $thrown) {
            $log->warning('nocturne: webhook refused', ['why' => $thrown->getMessage()]);

            return new Response($thrown->getMessage(), 400);
        }
        if ($handler->handle($message)) {
            $aftermath->after($message);
        }

        return new Response('', 204);
    }
}
