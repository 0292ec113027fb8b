import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { Client } from 'pg';
import { WebSocketServer, type WebSocket } from 'ws';

/** The baseline: `ws` and nothing else. Each connection names its session in its first message; each NOTIFY goes to the session's sockets as it is. */
const rooms = new Map<string, Set<WebSocket>>();
const app = new Hono();
app.get('/', (c) => c.json({}));
const server = createAdaptorServer({ fetch: app.fetch }) as Server;
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket: WebSocket) => {
  socket.once('message', (data: Buffer) => {
    const { data: body } = JSON.parse(data.toString()) as { data: { channel: string } };
    const id = body.channel.slice('private-session.'.length);
    const room = rooms.get(id) ?? new Set();
    room.add(socket);
    rooms.set(id, room);
    socket.send('{"event":"pusher_internal:subscription_succeeded"}');
  });
  socket.send('{"event":"pusher:connection_established","data":"{\\"socket_id\\":\\"1.1\\"}"}');
});

const client = new Client({ connectionString: process.env.DATABASE_URL });
client.on('error', () => process.exit(1));
client.on('notification', ({ payload }) => {
  const { event } = JSON.parse(payload!) as { event?: { booking_id: string } };
  if (!event) return;
  const text = JSON.stringify({ event: 'log.appended', data: JSON.stringify(event) });
  for (const socket of rooms.get(event.booking_id) ?? []) socket.send(text);
});
await client.connect();
await client.query('LISTEN nocturne');
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`),
);
