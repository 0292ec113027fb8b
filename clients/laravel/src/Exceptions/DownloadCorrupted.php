<?php

namespace Nocturne\Laravel\Exceptions;

/** What arrived is not the frame that was archived; nothing was kept. */
final class DownloadCorrupted extends NocturneException
{
}
