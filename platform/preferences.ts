import { z } from 'zod';
import { Chat, DEFAULT_PREFERENCES, Preferences } from '../domain/contracts/preferences.ts';
import type { Database, Transaction } from './database.ts';
import { seal, unseal } from './sealing.ts';

/** A person's choice; what is not known any more is left out, so that an old row still reads. */
export async function loadPreferences(db: Database | Transaction, userRef: string): Promise<Preferences> {
  const row = await db.preference.findUnique({ where: { userRef } });
  const parsed = Preferences.safeParse(row?.body ?? {});
  return parsed.success ? parsed.data : DEFAULT_PREFERENCES;
}

/** A person's chats; none when they were sealed under another secret. */
export async function loadChats(db: Database | Transaction, secret: string, userRef: string): Promise<Chat[]> {
  const row = await db.preference.findUnique({ where: { userRef }, select: { addresses: true } });
  const text = row?.addresses ? unseal(secret, row.addresses) : null;
  const parsed = z.array(Chat).safeParse(text ? JSON.parse(text) : []);
  return parsed.success ? parsed.data : [];
}

/** Keeps a choice; `chats` left out stay as they are. */
export async function savePreferences(
  db: Database | Transaction,
  userRef: string,
  body: Preferences,
  chats: { secret: string; list: Chat[] } | null,
  at: Date,
): Promise<void> {
  const addresses = chats ? { addresses: seal(chats.secret, JSON.stringify(chats.list)) } : {};
  const data = { body, updatedAt: at, ...addresses };
  await db.preference.upsert({ where: { userRef }, create: { userRef, ...data }, update: data });
}
