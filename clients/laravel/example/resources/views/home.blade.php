<x-site title="Home">
    @guest
        <h1>Rent a telescope for a night</h1>
        @if ($errors->any())
            <p role="alert">{{ $errors->first() }}</p>
        @endif
        <div class="cards">
            <form method="post" action="{{ route('register') }}" data-site="register">
                @csrf
                <h2>Register</h2>
                <label>Name <input name="name" required value="{{ old('name') }}"></label>
                <label>E-mail <input type="email" name="email" required></label>
                <label>Password <input type="password" name="password" minlength="8" required></label>
                <button>Register, with 100 credits</button>
            </form>
            <form method="post" action="{{ route('login') }}" data-site="login">
                @csrf
                <h2>Sign in</h2>
                <label>E-mail <input type="email" name="email" required></label>
                <label>Password <input type="password" name="password" required></label>
                <button>Sign in</button>
            </form>
        </div>
    @else
        <h1>Welcome, {{ auth()->user()->name }}</h1>
        <p><a class="button" href="{{ route('book') }}">Book a night</a></p>
        <x-nocturne::observations route="night" />
    @endguest
</x-site>
