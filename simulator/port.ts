import type { CommandContext } from './commands/command.ts';
import type { Voyager } from './voyager.ts';
import { WireServer } from './wire/server.ts';

/** Voyager's TCP port, which goes away and comes back with it. */
export class Port {
  refusing = false;
  number = 0;
  private server: WireServer;
  private restarting = false;
  constructor(
    private readonly context: CommandContext,
    private readonly voyager: Voyager,
  ) {
    this.server = this.newServer();
  }

  async listen(): Promise<number> {
    const { port, host } = this.context.options;
    this.number = await this.server.listen(port, host);
    return this.number;
  }
  close(): Promise<void> {
    return this.server.close();
  }
  /** Voyager is away for a moment: what ran in it is lost, what its database held is not. */
  async restart(seconds: number, orderly: boolean, running = this.context.options.robotargetRunning): Promise<void> {
    const { log, roboTarget, guider, options } = this.context;
    if (this.restarting) return;
    this.restarting = true;
    log.effect(orderly ? 'voyager.shutdown' : 'voyager.killed', { for_seconds: seconds });
    this.voyager.closeAll(orderly, orderly ? 'shutdown' : 'killed');
    const script = roboTarget.dragScript;
    await Promise.all([this.server.close(), roboTarget.stop('voyager restart')]);
    guider.stop();
    await this.context.wait(seconds);
    this.server = this.newServer();
    await this.server.listen(this.number, options.host);
    this.restarting = false;
    log.effect('voyager.started', {});
    if (running) roboTarget.start(script ?? options.dragScript);
  }

  private newServer(): WireServer {
    return new WireServer({
      accept: (transport) => this.voyager.accept(transport),
      refuses: () => this.refusing,
    });
  }
}
