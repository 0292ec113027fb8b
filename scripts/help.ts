import { parseArgs } from 'node:util';
import { UsageError } from '../platform/errors.ts';

/** `parseArgs`, with a person's mistake told as one. @throws UsageError naming the option that is unknown or lacks its value */
export const readOptions = ((config: Parameters<typeof parseArgs>[0]) => {
  try {
    return parseArgs(config);
  } catch (thrown) {
    throw new UsageError(`${(thrown as Error).message.split('.')[0]}. --help lists the options.`);
  }
}) as typeof parseArgs;

/** `--help` of any command says what it does and ends with 0, before anything else is looked at. */
export function answerHelp(text: string): void {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return;
  process.stdout.write(`${text.trim()}\n`);
  process.exit(0);
}
