import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Cable {
  /** The same server as seen through the cable. */
  url: string;
  /** From now on nothing passes, on standing connections and on new ones, and nobody is told: as when a network is cut. */
  cut(): void;
  /** New connections pass again; those that stood stay dead. */
  mend(): void;
  stop(): Promise<void>;
}

/** A TCP cable to a server of this machine that can be cut without either end being told. */
export async function startCable(serverUrl: string): Promise<Cable> {
  const target = new URL(serverUrl);
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      ends.add(near.pause().on('error', () => undefined));
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        ends.delete(from);
        if (!from.isPaused()) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    mend() {
      isCut = false;
    },
    cut() {
      isCut = true;
      for (const end of ends) {
        end.unpipe();
        end.pause();
      }
    },
    async stop() {
      for (const end of ends) end.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
