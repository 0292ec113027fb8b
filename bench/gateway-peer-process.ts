import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { projectPath } from '../platform/paths.ts';
import type { Order, Told } from './gateway-peer.ts';

/** The peer's process; for tests too. */
export class Peer {
  port = 0;
  previews = 0;
  burst = 0;
  /** When the lines that disable a target arrived, by its GUID. */
  readonly disabled = new Map<string, bigint[]>();
  private readonly child: ChildProcess;
  constructor() {
    this.child = spawn(process.execPath, ['--import', 'tsx', projectPath('bench', 'gateway-peer.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (told: Told) => {
      if (told.is === 'listening') this.port = told.port;
      else if (told.is === 'disabled')
        this.disabled.set(told.guid, [...(this.disabled.get(told.guid) ?? []), BigInt(told.atNs)]);
      else if (told.is === 'preview') this.previews = told.sent;
      else this.burst = told.done;
    });
  }
  order(order: Order): void {
    this.child.send(order);
  }
  async stop(): Promise<void> {
    this.child.disconnect();
    await once(this.child, 'exit');
  }
}
