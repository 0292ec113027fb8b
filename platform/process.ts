import type { Logger } from './logger.ts';
import { UsageError, toError } from './errors.ts';

/**
 * One way for every process of ours to end: SIGINT, SIGTERM, or the parent's end of stdin (NOCTURNE_SUPERVISED=1),
 * each running `stop` once, with a hard end after `graceMs`.
 */
export function onShutdown(logger: Logger, stop: (reason: string) => Promise<void>, graceMs = 10_000): void {
  let stopping = false;
  const begin = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    const hard = setTimeout(() => {
      logger.error({ graceMs }, 'did not stop in time');
      process.exit(1);
    }, graceMs);
    hard.unref();
    stop(reason).then(
      () => process.exit(0),
      (thrown: unknown) => {
        logger.error({ err: toError(thrown) }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', () => begin('SIGINT'));
  process.on('SIGTERM', () => begin('SIGTERM'));
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (err: NodeJS.ErrnoException) => {
      if (err.code !== 'EPIPE') throw err;
    });
  if (process.env.NOCTURNE_SUPERVISED === '1') {
    process.stdin.resume();
    process.stdin.on('end', () => begin('supervisor gone'));
    process.stdin.on('error', () => begin('supervisor gone'));
  }
}

/** Exit code of a process whose settings or input cannot work: final, since starting it again changes nothing. */
export const EXIT_USAGE = 2;
/** Ends a command with what went wrong: for a person's mistake the message alone and code 2, else the stack and code 1. */
export function endWith(thrown: unknown): never {
  const error = toError(thrown);
  const mistake = error instanceof UsageError;
  process.stderr.write(`${mistake ? error.message : (error.stack ?? error.message)}\n`);
  process.exit(mistake ? EXIT_USAGE : 1);
}
