import { CHAT_KINDS, type ChatKind } from '../../domain/contracts/preferences.ts';
import { MESSAGES } from '../../domain/messages/table.ts';
import { isPushService } from '../../domain/push-services.ts';
import { loadChats } from '../../platform/preferences.ts';
import { sendChat } from './chat.ts';
import { guestOf, localeOf, pageUrl, refusal } from './guest.ts';
import { operatorWays, silencedUntil } from './operators.ts';
import { DONE, messageId, notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';
import { devicesOf } from './push.ts';

/** Outbox channels whose rows are handed out: one row per device, chat or way, each tried, held back and given up for itself. */
export const HANDED_OUT = ['push', 'chat', 'operator'] as const;
export type HandedOut = (typeof HANDED_OUT)[number];
export const isHandedOut = (channel: string): channel is HandedOut => HANDED_OUT.includes(channel as HandedOut);

/** Writes a row of its own for each receiver. Repeated after a crash it writes nothing twice: the ids follow from the message. */
export async function handOut(deps: DeliveryDeps, row: Row): Promise<Delivered> {
  const found = await receiversOf(deps, row);
  if (!Array.isArray(found)) return found;
  await deps.db.$executeRaw`
    INSERT INTO outbox (id, channel, type, booking_id, telescope_id, sequence, data, created_at, queued_at, copied)
    SELECT o.id || '.' || substring(receiver.name FROM length(o.channel) + 2), receiver.name, o.type, o.booking_id, o.telescope_id, o.sequence, o.data,
      o.created_at, o.queued_at, true
    FROM outbox o CROSS JOIN unnest(${found}::text[]) AS receiver(name) WHERE o.id = ${row.id}
    ON CONFLICT (id) DO NOTHING`;
  return DONE;
}

/** Channels of the rows to write, or why there are none. */
async function receiversOf(deps: DeliveryDeps, row: Row): Promise<string[] | Delivered> {
  if (row.channel === 'operator') return operatorReceivers(deps, row);
  const { config } = deps;
  const channel = row.channel === 'push' ? 'push' : 'chat';
  const message = MESSAGES[row.type];
  const guest = await guestOf(deps, row);
  if (!message || !guest) return notSent('no booking');
  if (channel === 'push' && (!config.VAPID_PUBLIC_KEY || !config.VAPID_PRIVATE_KEY))
    return notSent('VAPID keys are not set');
  const no = refusal(deps, row, message, guest, channel);
  if (no) return no;
  if (channel === 'push') {
    const devices = await devicesOf(deps, guest);
    const known = devices.filter((device) => isPushService(device.endpoint, config.PUSH_SERVICES));
    if (known.length === 0) return notSent(devices.length === 0 ? 'no device' : 'no device at a known push service');
    return known.map((device) => `push.${device.id}`);
  }
  const chats = config.GATEWAY_SECRET ? await loadChats(deps.db, config.GATEWAY_SECRET, guest.booking.userRef) : [];
  return chats.length === 0 ? notSent('no chat') : [...new Set(chats.map((chat) => `chat.${chat.kind}`))];
}

async function operatorReceivers(deps: DeliveryDeps, row: Row): Promise<string[] | Delivered> {
  const ways = operatorWays(deps.config);
  if (ways.length === 0)
    return notSent('no way to the operator is set: OPERATOR_EMAIL, OPERATOR_WEBHOOK_URL or OPERATOR_CHANNELS');
  const until = await silencedUntil(deps, row);
  if (until) return { ok: false, status: null, error: 'silenced by an operator', heldUntil: until };
  return ways.map((way) => way.channel);
}

/** A guest's message to one of their chats. A chat may be read by others, so its link only lets look. */
export async function sendGuestChat(deps: DeliveryDeps, row: Row): Promise<Delivered> {
  const kind = row.channel.slice('chat.'.length) as ChatKind;
  const message = MESSAGES[row.type];
  const guest = await guestOf(deps, row);
  const secret = deps.config.GATEWAY_SECRET;
  if (!message || !guest?.user || !secret || !CHAT_KINDS.includes(kind)) return notSent('no booking');
  const no = refusal(deps, row, message, guest, 'chat');
  if (no) return no;
  const chat = (await loadChats(deps.db, secret, guest.booking.userRef)).find((one) => one.kind === kind);
  if (!chat) return notSent('the guest has taken the chat away');
  const locale = localeOf(guest.user.locale);
  const [subject, ...sentences] = message.write({ ...guest.facts, locale })[locale];
  const page = message.opens === 'control' ? 'control' : 'report';
  return sendChat(deps, kind, chat.address, {
    id: messageId(row),
    title: `${subject} (${guest.facts.target})`,
    text: sentences.filter(Boolean).join('\n'),
    url: message.opens ? await pageUrl(deps, row, guest, page, true) : null,
    priority: row.type === 'image.captured' ? 2 : 3,
  });
}
