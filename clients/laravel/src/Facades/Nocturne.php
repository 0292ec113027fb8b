<?php

namespace Nocturne\Laravel\Facades;

use Illuminate\Support\Facades\Facade;
use Nocturne\Laravel\Testing\NocturneFake;
use Nocturne\Laravel\VoyagerService;

/**
 * @mixin VoyagerService
 * @see VoyagerService
 */
final class Nocturne extends Facade
{
    /** An observatory in memory for the site's own tests; nothing leaves the machine. */
    public static function fake(): NocturneFake
    {
        $fake = NocturneFake::make(static::getFacadeApplication());
        static::getFacadeApplication()->instance(VoyagerService::class, $fake);
        static::clearResolvedInstance(VoyagerService::class);

        return $fake;
    }

    protected static function getFacadeAccessor(): string
    {
        return VoyagerService::class;
    }
}
