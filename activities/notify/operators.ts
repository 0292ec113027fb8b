import { createHash } from 'node:crypto';
import { timezoneOf } from '../../domain/contracts/telescope.ts';
import { ALERTS, type Severity } from '../../domain/alerts.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { parseChat } from '../../platform/settings/rules.ts';
import { sendChat, type ChatMessage } from './chat.ts';
import { domainOf, type Mailer } from './mail.ts';
import { messageId, notSent, textOf, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';
import { postWebhook, signatureHeaders } from './webhook.ts';

/** What an operator is told, whatever the way. */
export interface OperatorAlert {
  severity: Severity;
  reason: string;
  message: string;
  todo: string | null;
  runbookUrl: string | null;
  telescope: string;
  /** One night of one telescope: what belongs together. */
  group: string;
  groupTitle: string;
  at: string;
}

const HALF_DAY_MS = 43_200_000;
const PRIORITY = { info: 2, warning: 3, critical: 4, page: 5 } as const satisfies Record<Severity, number>;
/** Chats are for what somebody should look at; letters and webhook have everything. */
const CHAT_FROM: readonly Severity[] = ['warning', 'critical', 'page'];

export async function alertOf(deps: DeliveryDeps, row: Row): Promise<OperatorAlert> {
  const reason = textOf(row.data.reason) ?? row.type;
  const known = Object.hasOwn(ALERTS, reason) ? ALERTS[reason as keyof typeof ALERTS] : null;
  const telescope = row.telescope_id ? await findTelescope(deps.db, row.telescope_id) : null;
  const at = new Date(textOf(row.data.at) ?? row.created_at);
  const night = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone: timezoneOf(telescope) });
  const day = night.format(new Date(at.getTime() - HALF_DAY_MS));
  const name = telescope?.name ?? row.telescope_id;
  return {
    severity: known?.severity ?? 'info',
    reason,
    message: textOf(row.data.message) ?? reason,
    todo: known?.todo ?? null,
    runbookUrl: known ? runbookUrl(deps, reason) : null,
    telescope: name ?? '-',
    group: `night-${row.telescope_id ?? 'all'}-${day}`,
    groupTitle: name ? `nocturne: ${name}, night of ${day}` : `nocturne: ${reason}`,
    at: at.toISOString(),
  };
}

function runbookUrl(deps: DeliveryDeps, reason: string): string | null {
  const { RUNBOOK_URL, PUBLIC_URL } = deps.config;
  const base = RUNBOOK_URL ?? (PUBLIC_URL ? new URL('/docs/runbook', PUBLIC_URL).toString() : null);
  return base ? `${base.replace(/#.*$/, '')}#${reason}` : null;
}

/** A way to the operator, with the outbox channel that is its own. */
export interface OperatorWay {
  channel: string;
  /** Null: none that this severity should use. */
  send(deps: DeliveryDeps, mailer: Mailer, row: Row): Promise<Delivered>;
}

/** The configured ways. @throws Error for an entry of OPERATOR_CHANNELS that is none */
export function operatorWays(config: DeliveryDeps['config']): OperatorWay[] {
  const ways: OperatorWay[] = [];
  if (config.OPERATOR_EMAIL) ways.push({ channel: 'operator.email', send: sendAlertLetter });
  if (config.OPERATOR_WEBHOOK_URL) ways.push({ channel: 'operator.webhook', send: sendAlertWebhook });
  for (const entry of config.OPERATOR_CHANNELS) {
    const { kind, address } = parseChat(entry);
    const name = createHash('sha256').update(entry).digest('hex').slice(0, 8);
    ways.push({
      channel: `operator.${kind}-${name}`,
      send: async (deps, _mailer, row) => {
        const alert = await alertOf(deps, row);
        return CHAT_FROM.includes(alert.severity)
          ? sendChat(deps, kind, address, chatOf(row, alert))
          : notSent(`${alert.severity} goes by letter and webhook only`);
      },
    });
  }
  return ways;
}

function chatOf(row: Row, alert: OperatorAlert): ChatMessage {
  const where = `Telescope ${alert.telescope}, booking ${row.booking_id ?? '-'}.`;
  return {
    id: messageId(row),
    title: `${alert.severity.toUpperCase()}: ${alert.reason}`,
    text: [alert.message, where, alert.todo].filter(Boolean).join('\n'),
    url: alert.runbookUrl,
    priority: PRIORITY[alert.severity],
  };
}

/** One thread a night: the same subject and the same first message referred to, however many alerts come. */
async function sendAlertLetter(deps: DeliveryDeps, mailer: Mailer, row: Row): Promise<Delivered> {
  const { config } = deps;
  const alert = await alertOf(deps, row);
  const domain = domainOf(config.MAIL_FROM);
  return mailer.send(
    row,
    {
      to: config.OPERATOR_EMAIL!,
      from: { name: `nocturne (${alert.severity})`, address: addressOf(config.MAIL_FROM) },
      references: `<${alert.group}@${domain}>`,
      headers: {
        'X-Severity': alert.severity,
        ...(alert.severity === 'page' || alert.severity === 'critical' ? { Importance: 'high' } : {}),
      },
    },
    {
      locale: 'en',
      subject: alert.groupTitle,
      heading: `${alert.severity.toUpperCase()}: ${alert.reason}`,
      lines: [
        ...alert.message.split('\n'),
        ...(row.type === 'operator.health'
          ? []
          : [`Telescope ${alert.telescope}, booking ${row.booking_id ?? '-'}, ${alert.at}.`]),
        ...(alert.todo ? [`What to do: ${alert.todo}`] : []),
      ],
      figures: [],
      pictures: [],
      links: alert.runbookUrl ? [{ label: 'Open the runbook', url: alert.runbookUrl }] : [],
      footer: [],
    },
  );
}

const addressOf = (from: string): string => /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from;

/** `operator.alert`, signed as the webhooks to Laravel are, with a secret of its own. */
async function sendAlertWebhook(deps: DeliveryDeps, _mailer: Mailer, row: Row): Promise<Delivered> {
  const { config } = deps;
  const alert = await alertOf(deps, row);
  const id = messageId(row);
  const body = JSON.stringify({
    id,
    type: 'operator.alert',
    created_at: row.created_at.toISOString(),
    severity: alert.severity,
    reason: alert.reason,
    message: alert.message,
    todo: alert.todo,
    runbook_url: alert.runbookUrl,
    group: alert.group,
    telescope_id: row.telescope_id,
    booking_id: row.booking_id,
    at: alert.at,
  });
  const headers = signatureHeaders(config.OPERATOR_WEBHOOK_SECRET, id, Math.floor(Date.now() / 1000), body);
  const { answer: _, ...result } = await postWebhook(
    config.OPERATOR_WEBHOOK_URL!,
    headers,
    body,
    config.WEBHOOK_ALLOW_PRIVATE,
  );
  return result;
}

/** Until when an alert waits because an operator asked for silence; what would page is never silenced. */
export async function silencedUntil(deps: DeliveryDeps, row: Row): Promise<Date | null> {
  const { severity } = await alertOf(deps, row);
  if (severity === 'page') return null;
  const now = new Date(deps.now?.() ?? Date.now());
  const silence = await deps.db.silence.findFirst({
    where: {
      fromAt: { lte: now },
      untilAt: { gt: now },
      OR: [{ telescopeId: null }, ...(row.telescope_id ? [{ telescopeId: row.telescope_id }] : [])],
    },
    orderBy: { untilAt: 'desc' },
  });
  return silence?.untilAt ?? null;
}
