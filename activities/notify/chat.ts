import type { ChatKind } from '../../domain/contracts/preferences.ts';
import { failed, notSent, type Delivered, type DeliveryDeps } from './outcome.ts';
import { postWebhook } from './webhook.ts';

/** What a chat shows: plain text; each kind escapes it in its own way. */
export interface ChatMessage {
  id: string;
  title: string;
  text: string;
  url: string | null;
  /** 1 quiet, 3 usual, 5 wakes people. */
  priority: 1 | 2 | 3 | 4 | 5;
}

interface Request {
  url: string;
  body: unknown;
}

const DISCORD_CHARS = 2_000;
const TELEGRAM_CHARS = 4_096;
const paragraphs = (...parts: (string | null)[]): string => parts.filter(Boolean).join('\n\n');

/** ntfy: JSON to the server's root, the topic inside (docs.ntfy.sh/publish, "Publish as JSON"). */
function ntfy(address: string, message: ChatMessage): Request {
  const url = new URL(address);
  const topic = url.pathname.slice(1);
  url.pathname = '/';
  const { title, text, priority } = message;
  return {
    url: url.toString(),
    body: { topic, title, message: text, priority, ...(message.url ? { click: message.url } : {}) },
  };
}

/** Telegram Bot API, sendMessage: without parse_mode the text is taken as it is; at most 4,096 characters. */
function telegram(config: DeliveryDeps['config'], chatId: string, message: ChatMessage): Request {
  const text = paragraphs(message.title, message.text.slice(0, TELEGRAM_CHARS - 1_000), message.url);
  return {
    url: `${config.TELEGRAM_API_URL.replace(/\/$/, '')}/bot${config.TELEGRAM_BOT_TOKEN}/sendMessage`,
    body: { chat_id: chatId, text, link_preview_options: { is_disabled: true } },
  };
}

const discordText = (text: string): string => text.replace(/[\\*_~`|>#[\]()-]/g, String.raw`\$&`);
/** Discord, execute webhook: `wait` answers once the message stands; nobody is mentioned; at most 2,000 characters. */
function discord(address: string, message: ChatMessage): Request {
  const url = new URL(address);
  url.searchParams.set('wait', 'true');
  const head = `**${discordText(message.title)}**`;
  const link = message.url ? `<${message.url}>` : null;
  const room = DISCORD_CHARS - head.length - (link?.length ?? 0) - 10;
  return {
    url: url.toString(),
    body: {
      content: paragraphs(head, discordText(message.text).slice(0, room), link),
      allowed_mentions: { parse: [] },
    },
  };
}

const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/** Slack, incoming webhook: three characters are control characters and are written as entities. */
function slack(address: string, message: ChatMessage): Request {
  const text = paragraphs(
    `*${slackText(message.title)}*`,
    slackText(message.text),
    message.url ? `<${message.url}>` : null,
  );
  return { url: address, body: { text, unfurl_links: false } };
}

/** Of these nothing changes by trying again: the address is wrong, or was taken away. */
const FINAL = new Set([400, 401, 403, 404, 410]);

/** Sends one message to one chat; errors name no address, since an address is a key. */
export async function sendChat(
  deps: DeliveryDeps,
  kind: ChatKind,
  address: string,
  message: ChatMessage,
): Promise<Delivered> {
  const { config } = deps;
  if (kind === 'telegram' && !config.TELEGRAM_BOT_TOKEN) return notSent('TELEGRAM_BOT_TOKEN is not set');
  const request = {
    ntfy: () => ntfy(address, message),
    telegram: () => telegram(config, address, message),
    discord: () => discord(address, message),
    slack: () => slack(address, message),
  }[kind]();
  const { answer, ...result } = await postWebhook(
    request.url,
    { 'content-type': 'application/json', 'user-agent': 'nocturne', 'x-notification-id': message.id },
    JSON.stringify(request.body),
    config.WEBHOOK_ALLOW_PRIVATE,
  );
  if (result.ok)
    return kind === 'telegram' && !saysOk(answer) ? failed(`telegram did not say ok`, result.status) : result;
  const patience = result.retryAfterSeconds ?? retryAfterOf(answer);
  return {
    ...result,
    error: `${kind}: ${result.error}`,
    ...(result.status !== null && FINAL.has(result.status) ? { final: true as const } : {}),
    ...(patience ? { retryAfterSeconds: Math.min(3_600, patience) } : {}),
  };
}

function parse(answer: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(answer ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
const saysOk = (answer: string | undefined): boolean => parse(answer).ok === true;
/** Discord says `retry_after` in seconds, Telegram `parameters.retry_after`. */
function retryAfterOf(answer: string | undefined): number | null {
  const said = parse(answer);
  const inner = said.parameters as { retry_after?: unknown } | undefined;
  const seconds = Number(said.retry_after ?? inner?.retry_after);
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null;
}
