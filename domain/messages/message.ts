import type { Locale } from '../reasons.ts';
import type { MessageFacts } from './facts.ts';

/** How a guest can be told: a letter, a device, or a chat of theirs (ntfy, Telegram, Discord, Slack). */
export const GUEST_CHANNELS = ['email', 'push', 'chat'] as const;
export type GuestChannel = (typeof GUEST_CHANNELS)[number];

/** One language of a message: what it is about, then its sentences; empty ones are left out. */
export type Written = [subject: string, ...sentences: string[]];

export interface GuestMessage {
  /** What the guest calls it when choosing what to hear of. */
  name: Record<Locale, string>;
  to: readonly [GuestChannel, ...GuestChannel[]];
  /** In the guest's quiet hours: told all the same, held until they end, or left out since it is worth its moment only. */
  quiet: 'pass' | 'hold' | 'moment';
  /** After this it would no longer be true and is not sent. */
  goodMinutes?: number;
  /** About the booking itself: it cannot be switched off. */
  always?: true;
  opens: 'control' | 'report' | 'archive' | null;
  write(facts: MessageFacts): Record<Locale, Written>;
}
