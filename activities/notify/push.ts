import { Agent } from 'node:https';
import { MESSAGES } from '../../domain/messages/table.ts';
import { isPushService } from '../../domain/push-services.ts';
import type { PushSubscription } from '../../prisma/client/client.ts';
import { pinnedTo, publicAddresses } from './address.ts';
import { guestOf, localeOf, pageUrl, refusal, type Guest } from './guest.ts';
import { DONE, failed, messageId, notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';

const DEFAULT_VAPID_SUBJECT = 'mailto:operator@localhost';
const TTL_SECONDS = 3_600;
const TIMEOUT_MS = 10_000;
/** Says that a payload can be shown without a service worker (Declarative Web Push, WebKit; W3C Push API, "declarative push message"). */
const DECLARATIVE = 8_030;

/** The devices of a booking and of its person; one that asked twice is told once, the way it asked last. */
export async function devicesOf(deps: DeliveryDeps, guest: Guest): Promise<PushSubscription[]> {
  const rows = await deps.db.pushSubscription.findMany({
    where: { OR: [{ bookingId: guest.booking.id }, { userRef: guest.booking.userRef }] },
    orderBy: { createdAt: 'asc' },
  });
  return [...new Map(rows.map((one) => [one.endpoint, one])).values()];
}

/** One message to one device. Its row is its own: a device that is slow or gone keeps no other waiting. */
export async function sendPush(deps: DeliveryDeps, row: Row): Promise<Delivered> {
  const { db, config, logger } = deps;
  const message = MESSAGES[row.type];
  const guest = await guestOf(deps, row);
  if (!message || !guest) return notSent('no booking');
  const no = refusal(deps, row, message, guest, 'push');
  if (no) return no;
  if (!config.VAPID_PUBLIC_KEY || !config.VAPID_PRIVATE_KEY) return notSent('VAPID keys are not set');
  const subscription = await db.pushSubscription.findUnique({ where: { id: row.channel.slice('push.'.length) } });
  if (!subscription) return notSent('the device has unsubscribed');
  if (!isPushService(subscription.endpoint, config.PUSH_SERVICES)) return notSent('not a known push service');
  const payload = JSON.stringify(await payloadOf(deps, row, guest, subscription));
  const { default: webPush } = await import('web-push');
  try {
    const { hostname } = new URL(subscription.endpoint);
    const addresses = await publicAddresses(hostname, config.WEBHOOK_ALLOW_PRIVATE);
    await webPush.sendNotification(
      { endpoint: subscription.endpoint, keys: subscription.keys as { p256dh: string; auth: string } },
      payload,
      {
        TTL: TTL_SECONDS,
        timeout: TIMEOUT_MS,
        agent: new Agent({ lookup: pinnedTo(addresses) }),
        vapidDetails: {
          subject: config.VAPID_SUBJECT ?? DEFAULT_VAPID_SUBJECT,
          publicKey: config.VAPID_PUBLIC_KEY,
          privateKey: config.VAPID_PRIVATE_KEY,
        },
      },
    );
    return DONE;
  } catch (thrown) {
    const { statusCode, message: error } = thrown as { statusCode?: number; message?: string };
    if (statusCode !== 404 && statusCode !== 410)
      return failed(`push service: ${error ?? 'error'}`.slice(0, 300), statusCode ?? null);
    await db.pushSubscription.deleteMany({ where: { endpoint: subscription.endpoint } });
    logger.info({ subscriptionId: subscription.id }, 'push subscription is gone');
    return notSent('the device has unsubscribed');
  }
}

/** The message for a device in its language: for our service worker (`title`, `body`, `url`) and for browsers that show it by themselves. */
async function payloadOf(
  deps: DeliveryDeps,
  row: Row,
  guest: Guest,
  device: PushSubscription,
): Promise<Record<string, unknown>> {
  const message = MESSAGES[row.type]!;
  const locale = localeOf(device.locale);
  const [subject, ...sentences] = message.write({ ...guest.facts, locale })[locale];
  const title = `${subject} (${guest.facts.target})`;
  const body = sentences.filter(Boolean).join(' ');
  const page = message.opens === 'control' ? 'control' : 'report';
  const url = `/${page}/${encodeURIComponent(guest.booking.id)}`;
  const navigate = await pageUrl(deps, row, guest, page, !device.control);
  const isFrame = row.type === 'image.captured';
  return {
    ...(navigate
      ? {
          web_push: DECLARATIVE,
          notification: {
            title,
            body,
            navigate,
            lang: locale,
            ...(isFrame ? { tag: `frame ${guest.booking.id}`, silent: true } : {}),
          },
        }
      : {}),
    id: messageId(row),
    type: row.type,
    booking_id: guest.booking.id,
    title,
    body,
    url,
  };
}
