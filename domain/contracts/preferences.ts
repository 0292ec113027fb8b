import { z } from 'zod';
import { OUTBOX_TYPES } from './webhook.ts';

export const CHAT_KINDS = ['ntfy', 'telegram', 'discord', 'slack'] as const;
export type ChatKind = (typeof CHAT_KINDS)[number];

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM, such as 22:30');
const timezone = z
  .string()
  .max(64)
  .refine((name) => isTimezone(name), 'expected a time zone, such as Europe/Paris');

function isTimezone(name: string): boolean {
  try {
    return name !== '' && Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Of each chat what an address looks like; hosts are checked again when a message leaves. */
const ADDRESS: Record<ChatKind, { pattern: RegExp; expected: string }> = {
  ntfy: { pattern: /^https:\/\/[^\s/?#@]{1,253}\/[A-Za-z0-9_-]{1,64}$/, expected: 'https://ntfy.sh/your-topic' },
  telegram: { pattern: /^(-?\d{1,20}|@\w{5,32})$/, expected: 'a chat id such as 123456789' },
  discord: {
    pattern: /^https:\/\/(?:\w{1,20}\.)?discord(?:app)?\.com\/api\/webhooks\/\d{1,24}\/[\w-]{1,120}$/,
    expected: 'https://discord.com/api/webhooks/…',
  },
  slack: {
    pattern: /^https:\/\/hooks\.slack(?:-gov)?\.com\/[\w/-]{1,200}$/,
    expected: 'https://hooks.slack.com/services/…',
  },
};
/** Null when the address is one of this kind, else what is expected. */
export const chatAddressProblem = (kind: ChatKind, address: string): string | null =>
  address.length <= 400 && ADDRESS[kind].pattern.test(address) ? null : `expected ${ADDRESS[kind].expected}`;

export const Chat = z
  .object({ kind: z.enum(CHAT_KINDS), address: z.string().min(1).max(400) })
  .superRefine((chat, context) => {
    const problem = chatAddressProblem(chat.kind, chat.address);
    if (problem) context.addIssue({ code: 'custom', path: ['address'], message: problem });
  });
export type Chat = z.infer<typeof Chat>;

/** One channel: whether it is used at all, and the types that are switched off on it. */
const Channel = z.object({ on: z.boolean().default(true), off: z.array(z.enum(OUTBOX_TYPES)).max(40).default([]) });

export const Preferences = z
  .object({
    quiet_hours: z.object({ from: clock, to: clock }).nullable().default(null),
    timezone: timezone.nullable().default(null).describe('for the quiet hours; without one the telescope’s'),
    channels: z
      .object({
        email: Channel.prefault({}),
        push: Channel.prefault({}),
        chat: Channel.prefault({}),
      })
      .prefault({}),
    laravel: z
      .array(z.enum(['email', 'push', 'chat']))
      .max(3)
      .default([])
      .describe('channels that the Laravel app uses itself; set with the server key only'),
  })
  .meta({ id: 'Preferences' });
export type Preferences = z.infer<typeof Preferences>;

/** What a person who never chose has chosen. */
export const DEFAULT_PREFERENCES: Preferences = Preferences.parse({});
