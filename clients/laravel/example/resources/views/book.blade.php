<x-site title="Book">
    <h1>Book a night</h1>
    <x-nocturne::booking-form />
</x-site>
