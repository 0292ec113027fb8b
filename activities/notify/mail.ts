import { createTransport, type Transporter } from 'nodemailer';
import { MESSAGES } from '../../domain/messages/table.ts';
import { isFinal, type Phase } from '../../domain/phases.ts';
import { unsubscribeCode } from '../../platform/links.ts';
import { signPath } from '../../platform/signing.ts';
import { bestPicture, digestPictures, figuresOf } from './evidence.ts';
import { guestOf, localeOf, pageUrl, refusal, type Guest } from './guest.ts';
import { LABELS, renderLetter, wordsOf, type Letter } from './letters.ts';
import { DONE, failed, messageId, notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';

/** Shorter together than the claim of a row, so that no second worker sends a letter while the first still tries. */
const CONNECT_MS = 10_000;
const SOCKET_MS = 15_000;
const DAY_MS = 86_400_000;
const ARCHIVE_LIFE_MS = 30 * DAY_MS;

export interface Envelope {
  to: string;
  from?: { name: string; address: string };
  headers?: Record<string, string>;
  references?: string;
}

/** The way to the mail server. */
export class Mailer {
  private transport: Transporter | null = null;
  constructor(private readonly config: DeliveryDeps['config']) {}

  close(): void {
    this.transport?.close();
  }

  /** Sends one letter under the row's id, the same at each attempt. A recipient that the server refuses for good is not tried again. */
  async send(row: Row, envelope: Envelope, letter: Letter): Promise<Delivered> {
    const { SMTP_URL, MAIL_FROM } = this.config;
    if (!SMTP_URL) return notSent('SMTP_URL is not set');
    this.transport ??= createTransport({
      url: SMTP_URL,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SOCKET_MS,
    } as Parameters<typeof createTransport>[0]);
    const { headers, ...rest } = envelope;
    try {
      await this.transport.sendMail({
        from: MAIL_FROM,
        ...rest,
        messageId: `<${row.id}@${domainOf(MAIL_FROM)}>`,
        headers: { 'X-Notification-Id': messageId(row), 'Auto-Submitted': 'auto-generated', ...headers },
        ...renderLetter(letter),
      });
      return DONE;
    } catch (thrown) {
      const error = thrown as { code?: string; responseCode?: number; message?: string };
      const result = failed(`the mail server: ${error.message ?? 'error'}`.slice(0, 300), error.responseCode ?? null);
      return error.code === 'EENVELOPE' && (error.responseCode ?? 0) >= 500 ? { ...result, final: true } : result;
    }
  }
}

export const domainOf = (from: string): string => /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'nocturne.invalid';

/** A letter to a guest; who gets it and what it shows is read now. */
export async function sendLetter(deps: DeliveryDeps, mailer: Mailer, row: Row): Promise<Delivered> {
  const message = MESSAGES[row.type];
  if (!message) return notSent('no letter for this type');
  const guest = await guestOf(deps, row);
  if (!guest?.user?.email) return notSent('no address');
  const no = refusal(deps, row, message, guest, 'email');
  if (no) return no;
  if (!deps.config.SMTP_URL) return notSent('SMTP_URL is not set');
  const { letter, headers } = await guestLetter(deps, row, guest);
  return mailer.send(row, { to: guest.user.email, headers }, letter);
}

/** The whole letter of a row: words, figures, pictures, links, and the headers that end it with one click. */
export async function guestLetter(
  deps: DeliveryDeps,
  row: Row,
  guest: Guest,
): Promise<{ letter: Letter; headers: Record<string, string> }> {
  const message = MESSAGES[row.type]!;
  const locale = localeOf(guest.user?.locale);
  const words = wordsOf(message, { ...guest.facts, locale }, guest.user?.displayName ?? null);
  const { id } = guest.booking;
  const isReport = message.opens === 'report';
  const digest = row.type === 'images.digest' ? await digestPictures(deps, row, locale) : [];
  return {
    letter: {
      ...words,
      figures: isReport ? await figuresOf(deps, id, locale) : [],
      pictures: isReport ? await bestPicture(deps, id, locale) : digest,
      links: await linksOf(deps, row, guest),
      footer: await footerOf(deps, row, guest),
    },
    headers: message.always ? {} : unsubscribeHeaders(deps, guest),
  };
}

async function linksOf(deps: DeliveryDeps, row: Row, guest: Guest): Promise<Letter['links']> {
  const opens = MESSAGES[row.type]!.opens;
  const locale = localeOf(guest.user?.locale);
  const archive = { label: LABELS.archive[locale], url: archiveUrl(deps, row, guest) };
  const hasFrames = (await deps.db.frame.count({ where: { bookingId: guest.booking.id, state: 'archived' } })) > 0;
  const archives = archive.url && hasFrames ? [{ label: archive.label, url: archive.url }] : [];
  if (opens === null) return [];
  const session = await deps.db.session.findUnique({ where: { bookingId: guest.booking.id }, select: { phase: true } });
  const isOver = session !== null && isFinal(session.phase as Phase);
  const page = opens === 'archive' || (opens === 'control' && isOver) ? 'report' : opens;
  const url = await pageUrl(deps, row, guest, page);
  const pages = url ? [{ label: LABELS[page][locale], url }] : [];
  if (opens === 'archive') return [...archives, ...pages];
  return opens === 'report' ? [...pages, ...archives] : pages;
}

/** The ZIP under a signed address: for this path and 30 days alone. */
function archiveUrl(deps: DeliveryDeps, row: Row, guest: Guest): string | null {
  const { PUBLIC_URL, GATEWAY_SECRET } = deps.config;
  if (!PUBLIC_URL || !GATEWAY_SECRET) return null;
  const path = `/api/bookings/${encodeURIComponent(guest.booking.id)}/archive.zip`;
  return new URL(signPath(GATEWAY_SECRET, path, row.queued_at.getTime() + ARCHIVE_LIFE_MS), PUBLIC_URL).toString();
}

async function footerOf(deps: DeliveryDeps, row: Row, guest: Guest): Promise<Letter['footer']> {
  const locale = localeOf(guest.user?.locale);
  const support = deps.config.SUPPORT_EMAIL ?? deps.config.SUPPORT_URL;
  const preferences = await pageUrl(deps, row, guest, 'preferences');
  return [
    ...(support
      ? [
          {
            text: `${LABELS.question[locale]} ${support}`,
            url: deps.config.SUPPORT_EMAIL ? `mailto:${support}` : support,
          },
        ]
      : []),
    ...(preferences ? [{ text: LABELS.preferences[locale], url: preferences }] : []),
  ];
}

/** RFC 2369 and RFC 8058: a mail program's own button ends a person's letters. */
function unsubscribeHeaders(deps: DeliveryDeps, guest: Guest): Record<string, string> {
  const { PUBLIC_URL, GATEWAY_SECRET } = deps.config;
  if (!PUBLIC_URL || !GATEWAY_SECRET) return {};
  const url = new URL(`/unsubscribe/${unsubscribeCode(GATEWAY_SECRET, guest.booking.userRef)}`, PUBLIC_URL);
  return { 'List-Unsubscribe': `<${url.toString()}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}
