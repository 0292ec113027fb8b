import { ActivityFailure, condition, log } from '@temporalio/workflow';
import { records } from './activities.ts';
import type { Projection } from './data.ts';
import type { SessionState } from './state.ts';

/**
 * Writes what the session says into our own database, in order and behind its back: while PostgreSQL is away the night goes on and the rows follow.
 */
export class Projector {
  private busy = false;
  private stopped = false;
  constructor(private readonly state: SessionState) {}

  /** Takes a row in; a check that has not left yet is replaced by the newer one. */
  push(row: Projection): void {
    const queue = this.state.data.projections;
    const last = queue.at(-1);
    if (row.kind === 'check' && last?.kind === 'check' && !(this.busy && queue.length === 1)) queue.pop();
    queue.push(row);
  }
  get idle(): boolean {
    return this.state.data.projections.length === 0;
  }
  async flush(): Promise<void> {
    await condition(() => this.idle);
  }
  /** Ends `run` when the queue is empty, or after the row under way when `now` (the rest is carried on). */
  stop(now = false): void {
    this.stopped = true;
    this.stopNow = now;
  }
  private stopNow = false;

  async run(): Promise<void> {
    const queue = this.state.data.projections;
    for (;;) {
      await condition(() => queue.length > 0 || this.stopped);
      if (queue.length === 0 || this.stopNow) return;
      this.busy = true;
      try {
        await this.write(queue[0]!);
      } catch (thrown) {
        if (!(thrown instanceof ActivityFailure)) throw thrown;
        log.error('a row was refused and is left out', { kind: queue[0]!.kind, error: thrown.cause?.message });
      }
      this.busy = false;
      queue.shift();
    }
  }

  private async write(row: Projection): Promise<void> {
    switch (row.kind) {
      case 'transition':
        return records.recordTransition.executeWithOptions(
          { summary: `${row.body.phase}${row.body.reason ? `: ${row.body.reason}` : ''}` },
          [row.body],
        );
      case 'receipt':
        return records.recordReceipt.executeWithOptions({ summary: `${row.body.kind} ${row.body.state}` }, [row.body]);
      case 'log':
        return records.recordLog.executeWithOptions({ summary: row.body.log.event }, [row.body]);
      case 'alert':
        return records.alertOperator.executeWithOptions({ summary: `operator: ${row.body.reason}` }, [row.body]);
      case 'check': {
        const { maintenance } = await records.recordCheck(row.body);
        this.state.data.maintenance = maintenance;
      }
    }
  }
}
