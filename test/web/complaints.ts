import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Complaint } from '../../web/client/report/complaints.ts';
import { BOOKING_ID } from './fixtures.ts';

const EVIDENCE: Complaint['evidence'] = {
  image: null,
  frames: { archived: 40, rejected: 2 },
  seconds: { imaging: 2_400, unsafe: 1_200 },
  settlement: { credits_charged: 30, credits_refund: 4 },
};

/** Complaints in memory, as the API keeps them; `null` when the request is about something else. */
export function complaintsInMemory(): (method: string, path: string, body: unknown) => [number, object] | null {
  const all: Complaint[] = [];
  return (method, path, body) => {
    const answered = /^\/api\/complaints\/([^/]+)\/answer$/.exec(path)?.[1];
    if (answered) {
      const one = all.find(({ id }) => id === answered)!;
      const { answer, refund_credits: refund = 0 } = body as { answer: string; refund_credits?: number };
      Object.assign(one, { answer, refund, state: 'answered' });
      return [200, one];
    }
    if (path === '/api/admin/complaints') return [200, { data: all.filter(({ state }) => state === 'open') }];
    if (path !== `/api/bookings/${BOOKING_ID}/complaints`) return null;
    if (method === 'GET') return [200, { data: all }];
    const { text, image_id = null } = body as { text: string; image_id?: string | null };
    const made: Complaint = {
      id: `complaint-${all.length + 1}`,
      booking_id: BOOKING_ID,
      image_id,
      text,
      created_at: '2026-11-22T23:00:00.000Z',
      state: 'open',
      answer: null,
      refund: 0,
      evidence: EVIDENCE,
    };
    all.push(made);
    return [201, made];
  };
}

/** Answers a request about complaints; false when it is about something else. */
export async function answerComplaints(
  complaints: ReturnType<typeof complaintsInMemory>,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  read: (request: IncomingMessage) => Promise<string>,
): Promise<boolean> {
  if (!path.includes('complaints')) return false;
  const body = request.method === 'POST' ? (JSON.parse(await read(request)) as unknown) : null;
  const answer = complaints(request.method ?? 'GET', path, body);
  if (!answer) return false;
  response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  return true;
}
