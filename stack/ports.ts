import { createServer } from 'node:net';

/** A free TCP port of the loopback interface: the wanted one where it is free, else one that the system picks. */
export async function freePort(wanted = 0, host = '127.0.0.1'): Promise<number> {
  const tryPort = (port: number): Promise<number | null> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(null));
      server.listen({ port, host, exclusive: true }, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
      });
    });
  const found = wanted > 0 ? await tryPort(wanted) : null;
  return found ?? (await tryPort(0))!;
}
