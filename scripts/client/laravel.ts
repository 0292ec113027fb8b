import { REASONS, type Locale } from '../../domain/reasons.ts';

/** A PHP text in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** The guest's sentence of each reason as a language file of Laravel, from the one table of reasons. */
export const reasonsFile = (locale: Locale): string =>
  `<?php\n\n// Made from domain/reasons.ts; a test compares them.\n\nreturn [\n${Object.entries(REASONS)
    .map(([code, text]) => `    ${quoted(code)} => ${quoted(text[locale])},\n`)
    .join('')}];\n`;
