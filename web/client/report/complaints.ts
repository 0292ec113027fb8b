import { bookingInAddress } from '../core/access.ts';
import { defineComponent } from '../core/alpine.ts';
import { dayAndTime, duration, number } from '../core/format.ts';
import { ApiProblem, type Http } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { translate } from '../i18n/index.ts';

/** A complaint with what is known of its frame or night (GET …/complaints). */
export interface Complaint {
  id: string;
  booking_id: string;
  image_id: string | null;
  text: string;
  created_at: string;
  state: 'open' | 'answered';
  answer: string | null;
  refund: number;
  evidence: {
    image: {
      filename: string;
      state: string;
      filter: string | null;
      exposure: number | null;
      hfd: number | null;
    } | null;
    frames: Record<string, number>;
    seconds: Record<string, number>;
    settlement: { credits_charged: number; credits_refund: number; explanation?: { en: string; fr: string } } | null;
  };
}

/** The same evidence in the same words for the guest and for whoever answers. */
export function evidenceText({ evidence }: Complaint): string {
  const l = prefs.locale;
  const say = (key: string, values?: Record<string, string | number>): string => translate(l, key, values);
  const { image, frames, seconds, settlement } = evidence;
  const parts = image
    ? [
        say(`images.state.${image.state}`),
        image.filter ?? '',
        image.exposure === null ? '' : `${number(image.exposure, l)} s`,
        image.hfd === null ? '' : `HFD ${number(image.hfd, l, 2)}`,
      ]
    : [
        ...Object.entries(frames).map(([state, n]) => say(`admin.frames.${state}`, { n: number(n, l) })),
        ...Object.entries(seconds)
          .filter(([, n]) => n > 0)
          .map(([name, n]) => `${say(`ledger.${name}`)} ${duration(n)}`),
      ];
  return [...parts, settlement?.explanation?.[l] ?? ''].filter(Boolean).join(' · ');
}
export const aboutText = (complaint: Complaint): string =>
  complaint.image_id
    ? (complaint.evidence.image?.filename ?? complaint.image_id)
    : translate(prefs.locale, 'complaint.night');

/** The page has its key: what stands beside it may open. */
export function tellAccess(http: Http): void {
  if (http.token) document.dispatchEvent(new CustomEvent('nocturne:access', { detail: http }));
}

/** The report's section in which a guest says that something is wrong, and reads the answer. It opens when the page has its key. */
export function complaints(): object {
  const path = `/api/bookings/${encodeURIComponent(bookingInAddress())}/complaints`;
  let http: Http | null = null;
  let known: Complaint[] = [];
  return defineComponent({
    may: false,
    busy: false,
    imageId: '',
    text: '',
    said: '',
    rows: [] as { id: string; about: string; at: string; text: string; evidence: string; answer: string }[],

    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      document.addEventListener('nocturne:access', (event) => {
        http = (event as CustomEvent<Http>).detail;
        void this.load();
      });
    },
    async load(): Promise<void> {
      const found = await http?.get<{ data: Complaint[] }>(path).catch(() => null);
      if (!found) return;
      known = found.data;
      this.may = true;
      this.paint();
    },
    async send(): Promise<void> {
      if (!http || this.text.trim() === '') return;
      this.busy = true;
      try {
        await http.post(path, { text: this.text.trim(), ...(this.imageId ? { image_id: this.imageId } : {}) });
        this.text = '';
        this.said = translate(prefs.locale, 'complaint.sent');
        await this.load();
      } catch (thrown) {
        this.said = thrown instanceof ApiProblem ? thrown.message : translate(prefs.locale, 'ui.error');
      } finally {
        this.busy = false;
      }
    },
    paint(): void {
      const l = prefs.locale;
      this.rows = known.map((one) => ({
        id: one.id,
        about: aboutText(one),
        at: dayAndTime(one.created_at, l),
        text: one.text,
        evidence: evidenceText(one),
        answer:
          one.state === 'open'
            ? translate(l, 'complaint.open')
            : [
                translate(l, 'complaint.answer', { text: one.answer ?? '' }),
                one.refund > 0 ? translate(l, 'complaint.refund', { n: number(one.refund, l, 2) }) : '',
              ].join(' '),
      }));
    },
  });
}
