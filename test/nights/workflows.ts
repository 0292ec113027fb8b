import {
  ActivityFailure,
  CancellationScope,
  TimeoutFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';

/** Small workflows that say what the virtual server did to them. */

interface Activities {
  echo(text: string): Promise<string>;
  failing(): Promise<string>;
}
const when = (since: number): number => Date.now() - since;

/** Why an activity on `queue` failed, and after how many milliseconds. */
export async function trying(
  queue: string,
  options: {
    activity: 'echo' | 'failing';
    scheduleToStart?: number;
    startToClose?: number;
    scheduleToClose?: number;
    attempts?: number;
  },
): Promise<[string, number]> {
  const since = Date.now();
  const activities = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: options.startToClose ?? 60_000,
    ...(options.scheduleToStart ? { scheduleToStartTimeout: options.scheduleToStart } : {}),
    ...(options.scheduleToClose ? { scheduleToCloseTimeout: options.scheduleToClose } : {}),
    retry: {
      initialInterval: 1000,
      backoffCoefficient: 2,
      maximumInterval: 60_000,
      ...(options.attempts ? { maximumAttempts: options.attempts } : {}),
    },
  });
  try {
    return [await activities[options.activity]('hello'), when(since)];
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure)) throw thrown;
    return [
      thrown.cause instanceof TimeoutFailure ? String(thrown.cause.timeoutType) : (thrown.cause?.message ?? ''),
      when(since),
    ];
  }
}

const add = defineSignal<[number]>('add');
const raise = defineUpdate<number, [number]>('raise');
const total = defineQuery<number>('total');

/** Sums signals and updates; continues as new at 3, ends at 10. */
export async function counting(from: number): Promise<number> {
  let sum = from;
  setHandler(add, (n) => {
    sum += n;
  });
  setHandler(
    raise,
    async (n) => {
      await sleep(1000);
      sum += n;
      return sum;
    },
    {
      validator: (n) => {
        if (n < 0) throw new Error('not downwards');
      },
    },
  );
  setHandler(total, () => sum);
  if (from < 3) {
    await condition(() => sum >= 3);
    return continueAsNew<typeof counting>(sum);
  }
  await condition(() => sum >= 10);
  return sum;
}

/** Sleeps an hour unless cancelled, and then tidies up. */
export async function cancellable(): Promise<string> {
  try {
    await sleep(3_600_000);
    return 'slept';
  } catch (thrown) {
    if (!isCancellation(thrown)) throw thrown;
    await CancellationScope.nonCancellable(() => sleep(5000));
    return 'tidied up';
  }
}

/** Uses what the product does not use, and the virtual server does not know. */
export async function local(): Promise<string> {
  return proxyLocalActivities<Activities>({ startToCloseTimeout: 1000 }).echo('hello');
}
