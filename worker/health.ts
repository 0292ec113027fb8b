import { createServer, type Server } from 'node:http';

export interface Health {
  /** What is not ready yet; empty when all is. */
  problems(): string[];
  /** The process is worth restarting. */
  dead(): string | null;
  /** For Prometheus. */
  scrape(): Promise<{ type: string; text: string }>;
}

/** `/healthz` (alive), `/readyz` (polling every queue, database answers), `/metrics` (Prometheus), on loopback. */
export function serveHealth(port: number, host: string, health: Health): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    };
    switch (request.url) {
      case '/healthz': {
        const dead = health.dead();
        return answer(dead ? 503 : 200, dead ? { ok: false, problems: [dead] } : { ok: true });
      }
      case '/readyz': {
        const problems = health.problems();
        return answer(problems.length > 0 ? 503 : 200, { ok: problems.length === 0, problems });
      }
      case '/metrics':
        void health.scrape().then(
          ({ type, text }) => {
            response.writeHead(200, { 'content-type': type });
            response.end(text);
          },
          () => answer(500, { ok: false }),
        );
        return;
      default:
        answer(404, { ok: false });
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
