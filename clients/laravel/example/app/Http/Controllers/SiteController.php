<?php

namespace App\Http\Controllers;

use App\Models\EquipmentBooking;
use App\Models\User;
use Illuminate\Contracts\View\View;
use Illuminate\Http\RedirectResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Hash;

class SiteController extends Controller
{
    private const WELCOME_CREDITS = 100;

    public function home(): View
    {
        return view('home');
    }

    public function register(Request $request): RedirectResponse
    {
        $given = $request->validate([
            'name' => 'required|string|max:100',
            'email' => 'required|email|unique:users',
            'password' => 'required|string|min:8',
        ]);
        $password = Hash::make($given['password']);
        $user = User::query()->create(['password' => $password, 'credits' => self::WELCOME_CREDITS] + $given);
        Auth::login($user);
        $request->session()->regenerate();

        return redirect()->route('home');
    }

    public function login(Request $request): RedirectResponse
    {
        $given = $request->validate(['email' => 'required|email', 'password' => 'required|string']);
        if (!Auth::attempt($given)) {
            return back()->withErrors(['email' => 'Unknown address or wrong password.']);
        }
        $request->session()->regenerate();

        return redirect()->intended(route('home'));
    }

    public function logout(Request $request): RedirectResponse
    {
        Auth::logout();
        $request->session()->invalidate();

        return redirect()->route('home');
    }

    public function book(): View
    {
        return view('book');
    }

    public function night(Request $request, int $booking): View
    {
        return view('night', ['booking' => $this->own($request, $booking)]);
    }

    public function report(Request $request, int $booking): View
    {
        return view('report', ['booking' => $this->own($request, $booking)]);
    }

    private function own(Request $request, int $booking): EquipmentBooking
    {
        return EquipmentBooking::query()->where('user_id', $request->user()->id)->findOrFail($booking);
    }
}
