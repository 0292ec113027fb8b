<?php

// Syntax of each file, as PHP 8.1, 8.2, 8.3 and 8.4 have it, and names: what a file imports or mentions must exist, and what it imports it must use.
require_once 'PhpParser/autoload.php';
require_once __DIR__ . '/bootstrap.php';
require_once 'PHPUnit/Autoload.php';

/** What a site may lack, and what stands on it. */
const OPTIONAL = ['Livewire\\', 'Pusher\\', 'Nocturne\\Laravel\\Livewire\\BookingForm'];

/** The oldest last: its tree is looked at. */
$parsers = array_map(function (string $version): PhpParser\Parser {
    $lexer = new PhpParser\Lexer\Emulative(['phpVersion' => $version, 'usedAttributes' => ['startLine']]);

    return (new PhpParser\ParserFactory())->create(PhpParser\ParserFactory::ONLY_PHP7, $lexer);
}, ['8.4', '8.3', '8.2', '8.1']);
$finder = new PhpParser\NodeFinder();

/** What the parser takes in every version, and PHP 8.1 does not know or PHP 8.4 complains of. */
function newerThan81(PhpParser\Node $node): ?string
{
    $alone = fn (?PhpParser\Node $type) => $type instanceof PhpParser\Node\Identifier
        && in_array($type->toLowerString(), ['null', 'true', 'false'], true);

    return match (true) {
        $node instanceof PhpParser\Node\Stmt\Class_ && $node->isReadonly() => 'readonly classes are of PHP 8.2',
        $node instanceof PhpParser\Node\Stmt\Trait_
            && array_filter($node->stmts, fn ($one) => $one instanceof PhpParser\Node\Stmt\ClassConst) !== []
            => 'constants of traits are of PHP 8.2',
        $node instanceof PhpParser\Node\FunctionLike && $alone($node->getReturnType()) => 'this type alone is of PHP 8.2',
        $node instanceof PhpParser\Node\Param && $alone($node->type) => 'this type alone is of PHP 8.2',
        $node instanceof PhpParser\Node\Param && isNull($node->default) && !takesNull($node->type)
            => 'a parameter that is null by default must say so for PHP 8.4',
        default => null,
    };
}
function isNull(?PhpParser\Node $value): bool
{
    return $value instanceof PhpParser\Node\Expr\ConstFetch && $value->name->toLowerString() === 'null';
}
function takesNull(?PhpParser\Node $type): bool
{
    return $type === null || $type instanceof PhpParser\Node\NullableType
        || ($type instanceof PhpParser\Node\Identifier && $type->toLowerString() === 'mixed')
        || ($type instanceof PhpParser\Node\UnionType && array_filter($type->types, fn ($one) => "$one" === 'null') !== []);
}
$failed = false;
$say = function (string $file, int $line, string $what) use (&$failed): void {
    echo "$file:$line: $what\n";
    $failed = true;
};
foreach (array_slice($argv, 1) as $file) {
    $source = (string) file_get_contents($file);
    try {
        foreach ($parsers as $parser) {
            $tree = $parser->parse($source) ?? [];
        }
    } catch (PhpParser\Error $thrown) {
        $say($file, $thrown->getStartLine(), $thrown->getRawMessage());
        continue;
    }
    foreach ($finder->find($tree, fn (PhpParser\Node $node) => newerThan81($node) !== null) as $node) {
        $say($file, $node->getStartLine(), newerThan81($node) ?? '');
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
