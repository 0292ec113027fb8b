import type { BookingRequestInput } from '../../../domain/contracts/booking.ts';
import { ApiProblem, type Http } from '../core/http.ts';
import { uuid } from '../core/uuid.ts';

/** What became of a plan that was handed over; `done` only when somebody said that they have it. */
export interface HandedOver {
  done: boolean;
  /** Key of the sentence, where the receiver gave none of its own. */
  said: 'book.done' | 'book.handOver' | 'book.pending' | 'book.unknown' | 'book.refused' | 'book.nobody';
  message?: string;
  errors?: Record<string, string[]>;
}
/** What a receiver answers, as a body of HTTP or as a message between windows. */
interface Answer {
  message?: unknown;
  errors?: unknown;
}

/** A page around our frame must say within this time that it has the plan. */
const ANSWER_MS = 15_000;

const textIn = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const refused = ({ message, errors }: Answer): HandedOver => ({
  done: false,
  said: 'book.refused',
  ...(textIn(message) ? { message: textIn(message)! } : {}),
  ...(typeof errors === 'object' && errors !== null ? { errors: errors as Record<string, string[]> } : {}),
});
const taken = (said: HandedOver['said'], message?: unknown): HandedOver => ({
  done: true,
  said,
  ...(textIn(message) ? { message: textIn(message)! } : {}),
});

/**
 * Gives a plan to whoever books: a listener of `nocturne:booking` that calls preventDefault(), else the address `data-action`, else the page around the
 * frame, else an admin's own token. When none of them took it, the guest is told so.
 */
export async function handOver(root: HTMLElement, body: BookingRequestInput, admin: Http | null): Promise<HandedOver> {
  const event = new CustomEvent('nocturne:booking', { detail: body, bubbles: true, cancelable: true });
  if (!root.dispatchEvent(event)) return taken('book.handOver');
  if (root.dataset.action) return postTo(root.dataset.action, root.dataset.csrf, body);
  const around = pageAround();
  if (around) return askWindow(around, body);
  if (admin) return bookAsAdmin(admin, body);
  return { done: false, said: 'book.nobody' };
}

/** The booking site's own address: 2xx with its sentence; 202 says that it does not know yet. */
async function postTo(action: string, csrf: string | undefined, body: BookingRequestInput): Promise<HandedOver> {
  let response: Response;
  try {
    response = await fetch(action, {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(csrf ? { 'x-csrf-token': csrf } : {}),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
  } catch {
    return { done: false, said: 'book.unknown' };
  }
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (response.status === 202) return taken('book.pending', answer.message);
  if (response.ok) return taken('book.done', answer.message);
  return response.status >= 500 && !textIn(answer.message) ? { done: false, said: 'book.unknown' } : refused(answer);
}

/** Origin of the page that our frame stands in; the policy `frame-ancestors` lets in only those of EMBED_ORIGINS. */
function pageAround(): string | null {
  if (window.parent === window) return null;
  const named = location.ancestorOrigins?.[0] ?? (document.referrer === '' ? null : new URL(document.referrer).origin);
  return named === 'null' ? null : named;
}

/** Asks the page around by message, and believes only that window's answer to this very question. */
function askWindow(origin: string, body: BookingRequestInput): Promise<HandedOver> {
  const id = uuid();
  return new Promise((resolve) => {
    const finish = (outcome: HandedOver): void => {
      clearTimeout(timer);
      window.removeEventListener('message', hear);
      resolve(outcome);
    };
    const hear = ({ source, origin: from, data }: MessageEvent): void => {
      const answer = data as (Answer & { type?: unknown; id?: unknown; ok?: unknown }) | null;
      if (
        source !== window.parent ||
        from !== origin ||
        answer?.type !== 'nocturne:booking-received' ||
        answer.id !== id
      )
        return;
      finish(answer.ok === true ? taken('book.handOver', answer.message) : refused(answer));
    };
    const timer = setTimeout(() => finish({ done: false, said: 'book.nobody' }), ANSWER_MS);
    window.addEventListener('message', hear);
    window.parent.postMessage({ type: 'nocturne:booking', id, booking: body }, origin);
  });
}

async function bookAsAdmin(http: Http, body: BookingRequestInput): Promise<HandedOver> {
  try {
    await http.post(`/api/bookings/web-${uuid().slice(0, 13)}`, body, {}, 'PUT');
    return taken('book.done');
  } catch (thrown) {
    return thrown instanceof ApiProblem ? refused(thrown) : { done: false, said: 'book.unknown' };
  }
}
