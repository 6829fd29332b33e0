<?php

return [
    'env' => 'production',
    'debug' => false,
    'timezone' => 'UTC',
    'locale' => 'en',
    'fallback_locale' => 'en',
    'providers' => [Illuminate\View\ViewServiceProvider::class, Illuminate\Filesystem\FilesystemServiceProvider::class, Routes::class],
];
