import { createHmac } from 'node:crypto';
import { WebSocket } from 'ws';

/** Opens viewers, counts what they get and how late. Arguments: port, viewers of one session, viewers spread, sessions. */
const [port, crowd, spread, sessions] = process.argv.slice(2).map(Number) as [number, number, number, number];
const secret = process.env.PUSHER_APP_SECRET ?? '';
const delays: number[] = [];

function open(id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/app/bench?protocol=7`, { perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('message', (raw: Buffer) => {
      const now = performance.timeOrigin + performance.now();
      const message = JSON.parse(raw.toString()) as { event: string; data: string };
      if (message.event === 'pusher:connection_established') {
        const { socket_id: socketId } = JSON.parse(message.data) as { socket_id: string };
        const channel = `private-session.${id}`;
        const auth = `bench:${createHmac('sha256', secret).update(`${socketId}:${channel}`).digest('hex')}`;
        socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth } }));
      } else if (message.event === 'pusher_internal:subscription_succeeded') resolve();
      else if (message.event === 'log.appended')
        delays.push(now - (JSON.parse(message.data) as { data: { sent: number } }).data.sent);
      else if (message.event === 'pusher:ping') socket.send('{"event":"pusher:pong","data":"{}"}');
    });
  });
}
const wanted = [
  ...Array.from({ length: crowd }, () => 'crowd'),
  ...Array.from({ length: spread }, (_, i) => `s-${i % sessions}`),
];
for (let i = 0; i < wanted.length; i += 100) await Promise.all(wanted.slice(i, i + 100).map(open));
process.stdout.write('{"connected":1}\n');

process.stdin.on('data', () => {
  const counted = delays.splice(0).sort((a, b) => a - b);
  const at = (share: number): number => counted[Math.min(counted.length - 1, Math.floor(counted.length * share))] ?? -1;
  process.stdout.write(`${JSON.stringify({ received: counted.length, p50_ms: at(0.5), p95_ms: at(0.95) })}\n`);
});
