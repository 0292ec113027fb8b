import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { controlLine, previewLine } from './gateway-lines.ts';

/**
 * Voyager's side of the gateway's benchmarks, in a process of its own so that neither side's work is counted as the other's: answers every
 * command, sends the traffic that its parent asks for, and tells it when a line that disables a target arrived (by the machine's monotonic clock).
 */

export type Order =
  /** ControlData each 2 s, ShotRunning each second, a preview of `mb`, again `everyMs` after the last one was read; null stops the previews. */
  | { do: 'stream'; preview: { mb: number; everyMs: number } | null }
  /** `blocks` times a preview of `mb` and `lines` ControlData lines, as fast as they are read. */
  | { do: 'burst'; blocks: number; mb: number; lines: number };
export type Told =
  | { is: 'listening'; port: number }
  | { is: 'disabled'; guid: string; atNs: string }
  | { is: 'preview'; sent: number }
  | { is: 'burst'; done: number; of: number };

const tell = (told: Told): void => void process.send?.(told);
const sockets = new Set<Socket>();
const disabled = new Set<string>();
let stream: NodeJS.Timeout | null = null;
let streaming: (Order & { do: 'stream' })['preview'] = null;
let previews = 0;
let ticks = 0;

const line = (body: object): string =>
  `${JSON.stringify({ Timestamp: Date.now() / 1000, Host: 'BENCH', Inst: 1, ...body })}\r\n`;
async function push(bytes: Buffer | string): Promise<void> {
  await Promise.all(
    [...sockets].map(async (socket) => {
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }),
  );
}

function answer(socket: Socket, text: string): void {
  const { id, method, params } = JSON.parse(text) as { id?: number; method?: string; params?: Record<string, unknown> };
  if (id === undefined) return;
  if (method?.endsWith('SetObjectStatus') && typeof params?.ObjUID === 'string' && params.ObjUID) {
    disabled.add(params.ObjUID);
    tell({ is: 'disabled', guid: params.ObjUID, atNs: String(process.hrtime.bigint()) });
  }
  socket.write(`${JSON.stringify({ jsonrpc: '2.0', result: 0, id })}\r\n`);
  if (typeof params?.UID !== 'string') return;
  const list = [...disabled].slice(-10).map((guid) => ({ guid, targetname: 'bench', status: 1, statusop: 0 }));
  const listed = { list: method?.includes('GetTargetList') ? list : [] };
  const ParamRet = method?.includes('Get') ? listed : { ret: 'DONE' };
  socket.write(line({ Event: 'RemoteActionResult', UID: params.UID, ActionResultInt: 4, Motivo: '', ParamRet }));
}

const server = createServer((socket) => {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.setMaxListeners(0);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  socket.write(line({ Event: 'Version', VOYVersion: 'Release 2.3.14', VOYSubver: '', MsgVersion: 1 }));
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString();
    const lines = rest.split('\r\n');
    rest = lines.pop()!;
    for (const text of lines) answer(socket, text);
  });
});

process.on('message', (order: Order) => {
  if (order.do === 'stream') {
    if (stream) clearTimeout(stream);
    stream = null;
    streaming = order.preview;
    const { preview } = order;
    if (!preview) return;
    const bytes = previewLine(preview.mb);
    const next = async (): Promise<void> => {
      await push(bytes);
      tell({ is: 'preview', sent: ++previews });
      if (streaming === preview) stream = setTimeout(() => void next(), preview.everyMs);
    };
    void next();
  } else
    void (async () => {
      const bytes = previewLine(order.mb);
      const block = Array.from({ length: order.lines }, (_, n) => controlLine(n, '')).join('');
      for (let n = 1; n <= order.blocks; n++) {
        await push(bytes);
        await push(block);
        if (n % 100 === 0 || n === order.blocks) tell({ is: 'burst', done: n, of: order.blocks });
      }
    })();
});
process.on('disconnect', () => process.exit(0));
setInterval(() => {
  if (ticks++ % 2 === 0) void push(controlLine(ticks, ''));
  void push(line({ Event: 'ShotRunning', File: 'a.fit', Expo: 60, Elapsed: ticks % 60, ElapsedPerc: 10, Status: 1 }));
}, 1000);
server.listen(0, '127.0.0.1', () => tell({ is: 'listening', port: (server.address() as AddressInfo).port }));
