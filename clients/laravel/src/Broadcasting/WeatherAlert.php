<?php

namespace Nocturne\Laravel\Broadcasting;

/** The roadmap's event (6.2): the session waits for the weather, or was lost to it. */
final class WeatherAlert extends SessionBroadcast
{
}
