<!doctype html>
<html lang="{{ app()->getLocale() }}">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="csrf-token" content="{{ csrf_token() }}">
    <title>Stellar · {{ $title }}</title>
    <link rel="stylesheet" href="/site.css">
</head>
<body>
    <header>
        <a class="brand" href="{{ route('home') }}">Stellar</a>
        @auth
            <nav>
                <a href="{{ route('book') }}">Book a night</a>
                <span data-site="credits">{{ auth()->user()->credits }} credits</span>
                <form method="post" action="{{ route('logout') }}">@csrf <button>Sign out</button></form>
            </nav>
        @endauth
    </header>
    <main>{{ $slot }}</main>
    <script src="/alpine.js" defer></script>
</body>
</html>
