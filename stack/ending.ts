import { stopWithParent } from './supervisor.ts';

interface Ending {
  /** What is to be stopped; what still starts is waited for. Null while nothing has begun. */
  begun: () => Promise<{ stop(): Promise<void> }> | null;
  say: (line: string) => void;
  /** Before what has begun is stopped, and after it. */
  first?: () => void;
  last: () => void;
}

/** Ends a command once, whoever asks first: a signal, its parent's end, or the function that comes back. The process goes with a signal or its parent. */
export function endsOnce({ begun, say, first, last }: Ending): (reason: string) => Promise<void> {
  let stopped: Promise<void> | null = null;
  const stop = (reason: string): Promise<void> =>
    (stopped ??= (async () => {
      say(`Stopping (${reason}) …`);
      first?.();
      await (await begun()?.catch(() => null))?.stop();
      last();
      say('Stopped.');
    })());
  stopWithParent(
    (reason) =>
      void stop(reason).then(
        () => process.exit(0),
        () => process.exit(1),
      ),
  );
  return stop;
}
