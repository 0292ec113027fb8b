import { connect, type Socket } from 'node:net';
import type { Address } from './link.ts';

const READ_BYTES = 64 * 1024;
/** After so many bytes everything else has its turn: while a preview comes in, libuv would read two megabytes before it looks at an abort. */
const TURN_BYTES = 4 * READ_BYTES;

export interface Ears {
  /** Is this socket still the connection's? Nothing is told of any other one. */
  isOurs: (socket: Socket) => boolean;
  connected: () => void;
  /** The buffer is read into again after the call. */
  bytes: (bytes: Buffer) => void;
  ended: (reason: string) => void;
}

/** Connects to a Voyager and reads it in turns. */
export function openSocket({ host, port }: Address, ears: Ears): Socket {
  let turn = 0;
  const read = (length: number, buffer: Buffer): boolean => {
    if (!ears.isOurs(socket)) return false;
    ears.bytes(buffer.subarray(0, length));
    turn += length;
    if (turn < TURN_BYTES) return true;
    turn = 0;
    setImmediate(() => {
      if (ears.isOurs(socket)) socket.resume();
    });
    return false;
  };
  const socket: Socket = connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length, buffer) => read(length, buffer as Buffer),
    },
  });
  let connected = false;
  let problem: string | null = null;
  const ended = (reason: string): void => {
    if (ears.isOurs(socket)) ears.ended(reason);
  };
  socket.on('connect', () => {
    connected = true;
    if (ears.isOurs(socket)) ears.connected();
  });
  socket.on('error', (thrown: NodeJS.ErrnoException) => {
    problem = thrown.code ?? thrown.message;
  });
  socket.on('end', () => ended('Voyager closed the connection'));
  socket.on('close', () => {
    if (problem === null) ended('the connection was closed');
    else ended(`${connected ? 'the connection broke' : 'cannot connect'}: ${problem}`);
  });
  return socket;
}
