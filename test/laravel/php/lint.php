<?php

// Syntax of each file, as PHP 8.1 has it, and names: what a file imports or mentions must exist, and what it imports it must use.
require_once 'PhpParser/autoload.php';
require_once __DIR__ . '/bootstrap.php';
require_once 'PHPUnit/Autoload.php';

/** What a site may lack, and what stands on it. */
const OPTIONAL = ['Livewire\\', 'Nocturne\\Laravel\\Livewire\\BookingForm'];

$lexer = new PhpParser\Lexer\Emulative(['phpVersion' => '8.1', 'usedAttributes' => ['startLine']]);
$parser = (new PhpParser\ParserFactory())->create(PhpParser\ParserFactory::ONLY_PHP7, $lexer);
$finder = new PhpParser\NodeFinder();
$failed = false;
$say = function (string $file, int $line, string $what) use (&$failed): void {
    echo "$file:$line: $what\n";
    $failed = true;
};
foreach (array_slice($argv, 1) as $file) {
    $source = (string) file_get_contents($file);
    try {
        $tree = $parser->parse($source) ?? [];
    } catch (PhpParser\Error $thrown) {
        $say($file, $thrown->getStartLine(), $thrown->getRawMessage());
        continue;
    }
    $body = (string) preg_replace('/^use [\w\\\\]+( as \w+)?;$/m', '', $source);
    foreach ($finder->findInstanceOf($tree, PhpParser\Node\Stmt\UseUse::class) as $use) {
        $alias = $use->getAlias()->toString();
        $name = preg_quote($alias, '/');
        if (preg_match("/(?<![\\\\\\w])$name(?!\\w)/", $body) !== 1) {
            $say($file, $use->getStartLine(), "imports $alias and does not use it");
        }
    }
    $resolver = new PhpParser\NodeTraverser();
    $resolver->addVisitor(new PhpParser\NodeVisitor\NameResolver());
    foreach ($finder->findInstanceOf($resolver->traverse($tree), PhpParser\Node\Name\FullyQualified::class) as $name) {
        $text = $name->toString();
        if (array_filter(OPTIONAL, fn (string $prefix) => str_starts_with($text, $prefix)) !== []) {
            continue;
        }
        $class = class_exists($text) || interface_exists($text) || trait_exists($text);
        if (!$class && !function_exists($text) && !defined($text)) {
            $say($file, $name->getStartLine(), "there is no $text");
        }
    }
}
exit($failed ? 1 : 0);
