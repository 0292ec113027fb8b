import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';

/** Asks one address over 32 kept-alive connections for a while; one JSON line in, requests per second out. */
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const ask = (url: string, key: string): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers: { 'x-api-key': key } }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${url}: ${response.statusCode}`)),
      );
    }).on('error', reject);
  });

for await (const line of createInterface({ input: process.stdin })) {
  const { url, key, ms } = JSON.parse(line) as { url: string; key: string; ms: number };
  await Promise.all(Array.from({ length: 32 }, () => ask(url, key)));
  const began = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (performance.now() - began < ms) {
        await ask(url, key);
        done++;
      }
    }),
  );
  process.stdout.write(`${JSON.stringify({ rps: (done * 1_000) / (performance.now() - began) })}\n`);
}
