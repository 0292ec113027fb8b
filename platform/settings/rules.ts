import { CHAT_KINDS, type ChatKind } from '../../domain/contracts/preferences.ts';
import { z } from 'zod';
import { noFolderTwice, PathMapping } from '../../domain/contracts/telescope.ts';
import { secretUrl, webUrl } from './forms.ts';
import type { SettingProblem } from './problems.ts';
import { receiverProblems } from './receivers.ts';
import { parseRelayUrl } from './relay-url.ts';

const wrong = (message: string): Error => new Error(message);

/** `C:\Voyager\FITS=>/mnt/fits;\\nas\fits=>/mnt/nas` @throws Error naming the pair that is none */
export function parsePathMap(textual: string | undefined): { from: string; to: string }[] {
  return (textual ?? '')
    .split(';')
    .map((s) => s.trim())
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf('=>');
      if (at < 1 || at + 2 >= pair.length)
        throw wrong(`"${pair}" is not of the form C:\\folder=>/folder; several are separated by ;`);
      return { from: pair.slice(0, at).trim(), to: pair.slice(at + 2).trim() };
    });
}
export const pathMap = (text: string): string => {
  const found = z.array(PathMapping).superRefine(noFolderTwice).safeParse(parsePathMap(text));
  if (!found.success) throw wrong(found.error.issues.map(({ message }) => message).join('; '));
  return text;
};

export const relayUrl = (text: string): string => {
  const url = secretUrl(['https', 'http'], 'https://KEY:SECRET@host:443/apps/APP_ID')(text);
  try {
    parseRelayUrl(url);
  } catch (thrown) {
    throw wrong((thrown as Error).message.replace(/^RELAY_PUSHER_URL: |\.$/g, ''));
  }
  return url;
};

/** `kind=address` of a configured way to the operator. @throws Error naming what is wrong, without the address */
export function parseChat(text: string): { kind: ChatKind; address: string } {
  const at = text.indexOf('=');
  const kind = text.slice(0, at) as ChatKind;
  const address = text.slice(at + 1);
  if (at < 1 || !CHAT_KINDS.includes(kind) || address === '')
    throw wrong(`each entry must be kind=address with one of ${CHAT_KINDS.join(', ')}`);
  if (kind !== 'telegram' && !/^https?:\/\/[^/]/.test(address))
    throw wrong(`the address of ${kind} must begin with https://; write ${kind}=https://…`);
  return { kind, address };
}
export const operatorChannel = (text: string): string => {
  parseChat(text);
  return text;
};

export const guestTemplate = (text: string): string => {
  webUrl('https://shop.example/sessions/{booking_id}/{page}')(text);
  if (!text.includes('{booking_id}'))
    throw wrong('must contain {booking_id}; write https://shop.example/sessions/{booking_id}/{page}');
  return text;
};
/** Push services refuse another contact (RFC 8292, 2.1). */
export const vapidSubject = (text: string): string => {
  if (!/^mailto:\S+@\S+$|^https:\/\/\S+$/.test(text))
    throw wrong(`must begin with mailto: or https://, not "${text}"; write mailto:operator@example.org`);
  return text;
};

interface Together {
  /** Where one of these stands … */
  when: readonly string[];
  /** … all of those must. */
  needs: readonly string[];
  why: string;
}
/** Settings that only work with others. */
const TOGETHER: readonly Together[] = [
  {
    when: ['TEMPORAL_TLS_KEY'],
    needs: ['TEMPORAL_TLS_CERT'],
    why: 'a key is worth nothing without its certificate, and the server would see a stranger',
  },
  {
    when: ['TEMPORAL_TLS_CERT'],
    needs: ['TEMPORAL_TLS_KEY'],
    why: 'a certificate is worth nothing without its key, and the server would see a stranger',
  },
  { when: ['VOYAGER_PASSWORD'], needs: ['VOYAGER_USERNAME'], why: 'Voyager asks for both; a ticket goes alone' },
  {
    when: ['S3_ENDPOINT', 'S3_REGION', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
    needs: ['S3_BUCKET'],
    why: 'without a bucket nothing is copied',
  },
  {
    when: ['S3_BUCKET'],
    needs: ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
    why: 'a bucket is written with both keys',
  },
  {
    when: ['SITE_LATITUDE_DEGREES', 'SITE_LONGITUDE_DEGREES', 'SITE_TIMEZONE'],
    needs: ['SITE_LATITUDE_DEGREES', 'SITE_LONGITUDE_DEGREES', 'SITE_TIMEZONE'],
    why: 'only the three together say where the telescope stands and what its clock shows',
  },
  { when: ['VAPID_PUBLIC_KEY'], needs: ['VAPID_PRIVATE_KEY'], why: 'the two belong together' },
  { when: ['VAPID_PRIVATE_KEY'], needs: ['VAPID_PUBLIC_KEY'], why: 'the two belong together' },
];

/** What is set without what it needs. @param values as given, by variable */
export function disagreements(values: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  const problems = new Map<string, SettingProblem>();
  for (const { when, needs, why } of TOGETHER) {
    const cause = when.find((name) => values[name]);
    if (!cause) continue;
    for (const name of needs)
      if (!values[name] && !problems.has(name))
        problems.set(name, { name, message: `is not set, but ${cause} is: ${why}; set both or neither` });
  }
  const channels = values.OPERATOR_CHANNELS ?? '';
  if (/(^|,)\s*telegram=/.test(channels) && !values.TELEGRAM_BOT_TOKEN)
    problems.set('TELEGRAM_BOT_TOKEN', {
      name: 'TELEGRAM_BOT_TOKEN',
      message:
        'is not set, but OPERATOR_CHANNELS is: it names telegram; set the token of your bot, or leave telegram out',
    });
  if (values.GATEWAY_HOST && EVERYWHERE.includes(values.GATEWAY_HOST) && !values.GATEWAY_URL)
    problems.set('GATEWAY_URL', {
      name: 'GATEWAY_URL',
      message: `is not set, and GATEWAY_HOST=${values.GATEWAY_HOST} is no address that others could reach: a guest's emergency stop would go to nobody; write the address at which the api reaches the gateway, such as http://gateway:3100, for both alike`,
    });
  return [...problems.values(), ...receiverProblems(values)];
}
/** Hosts on which something listens on every interface. */
const EVERYWHERE = ['0.0.0.0', '::', '[::]'];
