import { strong, webUrl } from './forms.ts';
import type { SettingProblem } from './problems.ts';

/** Receivers of webhooks: who they are, which telescopes they hear of, and with which secret they are signed for. */
export interface ReceiverSetting {
  url: string;
  host: string;
  /** Null for all. */
  telescopes: string[] | null;
}
const EXAMPLE = 'https://laravel.example/webhooks/nocturne';
const TELESCOPES = /^#telescopes=([a-z0-9-]{1,32}(?:\+[a-z0-9-]{1,32})*)$/;

/** `https://host/path`, with `#telescopes=a+b` for one that hears of these alone: a fragment is never sent. @throws Error naming what is wrong */
export function parseReceiver(text: string): ReceiverSetting {
  const url = new URL(webUrl(EXAMPLE)(text));
  const named = TELESCOPES.exec(url.hash)?.[1];
  if (url.hash && !named)
    throw new Error(
      `after # only telescopes=ID+ID can stand, not "${url.hash.slice(1)}"; write ${EXAMPLE}#telescopes=south-1+south-2`,
    );
  return { url: text.replace(/#.*$/, ''), host: url.host, telescopes: named?.split('+') ?? null };
}
export const receiver = (text: string): string => {
  parseReceiver(text);
  return text;
};
/** @param urls as WEBHOOK_URL is given */
export const parseReceivers = (urls: string | undefined): ReceiverSetting[] => {
  const all = (urls ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .map(parseReceiver);
  return all.filter(({ url }, i) => all.findIndex((one) => one.url === url) === i);
};

/** A secret that signs webhooks. After `whsec_` it is base64 (Standard Webhooks 1.0), and what counts is what that stands for. */
export const webhookSecret = (text: string): string => {
  strong(text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64').toString('latin1') : text);
  return text;
};
/** `host=secret`. @throws Error that does not repeat the secret */
export function parseOwnSecret(text: string): { host: string; secret: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new Error('each entry must be host=secret; write club.example=whsec_…');
  return { host: text.slice(0, at).toLowerCase(), secret: webhookSecret(text.slice(at + 1)) };
}
export const ownSecret = (text: string): string => {
  parseOwnSecret(text);
  return text;
};

const entries = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);

/** Receivers and secrets that do not go together. @param values as given, by variable */
export function receiverProblems(values: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  try {
    return disagreementsOf(values);
  } catch {
    // One of the two has a wrong form, which the setting itself tells.
    return [];
  }
}
function disagreementsOf(values: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const receivers = parseReceivers(values.WEBHOOK_URL);
  const owners = entries(values.WEBHOOK_OWN_SECRETS).map((entry) => parseOwnSecret(entry).host);
  const stranger = owners.find((host) => !receivers.some((one) => one.host === host));
  if (stranger)
    problems.push({
      name: 'WEBHOOK_OWN_SECRETS',
      message: `names ${stranger}, which is no host of WEBHOOK_URL; write the host as it stands there, with its port`,
    });
  const sharing = receivers.find(({ telescopes, host }) => telescopes !== null && !owners.includes(host));
  if (sharing)
    problems.push({
      name: 'WEBHOOK_OWN_SECRETS',
      message: `has no secret for ${sharing.host}: who hears of some telescopes only must not be able to sign for all; write ${sharing.host}=whsec_…`,
    });
  return problems;
}
