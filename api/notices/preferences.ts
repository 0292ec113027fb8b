import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { CHAT_KINDS, Chat, Preferences } from '../../domain/contracts/preferences.ts';
import { GUEST_CHANNELS } from '../../domain/messages/message.ts';
import { MESSAGES } from '../../domain/messages/table.ts';
import { unsubscribeRef } from '../../platform/links.ts';
import { loadChats, loadPreferences, savePreferences } from '../../platform/preferences.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { clientAddress, refuseGuessing } from '../guard.ts';
import { json, type App, route, routes } from '../operation.ts';

const Body = Preferences.extend({
  chats: z.array(Chat).max(4).optional().describe('new addresses; left out: they stay as they are'),
  keep_chats: z.array(z.enum(CHAT_KINDS)).max(4).default([]).describe('with `chats`: kinds whose address stays'),
}).meta({ id: 'PreferencesRequest' });

const Shown = Preferences.extend({
  chats: z.array(z.object({ kind: z.string(), address: z.string().describe('its end alone') })),
  types: z.array(
    z.object({
      type: z.string(),
      name: z.object({ fr: z.string(), en: z.string() }),
      channels: z.array(z.enum(GUEST_CHANNELS)),
      always: z.boolean().describe('about the booking itself: it cannot be switched off'),
    }),
  ),
  offered: z.array(z.string()).describe('kinds of chat that this site can write to'),
}).meta({ id: 'PreferencesShown' });

const TYPES = Object.entries(MESSAGES).flatMap(([type, message]) =>
  message ? [{ type, name: message.name, channels: [...message.to], always: message.always === true }] : [],
);

/** Whose choice a credential may see and change: a user's own, or that of its booking's guest when it may steer the session. */
async function personOf(deps: Deps, who: Identity): Promise<string> {
  if (who.kind === 'user') return who.subject!;
  if (who.kind !== 'booking') throw new Problem('forbidden', 'Say whose: /api/users/{ref}/preferences.');
  const booking = await deps.db.booking.findUnique({ where: { id: who.subject! }, select: { userRef: true } });
  if (!booking) throw new Problem('not_found', 'The booking is not there any more.');
  return booking.userRef;
}

async function show(deps: Deps, ref: string): Promise<Response> {
  const [preferences, chats] = await Promise.all([loadPreferences(deps.db, ref), loadChats(deps.db, deps.secret, ref)]);
  const offered = ['ntfy', ...(deps.config.TELEGRAM_BOT_TOKEN ? ['telegram'] : []), 'discord', 'slack'];
  return json(
    {
      ...preferences,
      chats: chats.map(({ kind, address }) => ({ kind, address: `…${address.slice(-4)}` })),
      types: TYPES,
      offered,
    },
    200,
    { 'cache-control': 'no-store' },
  );
}

async function keep(deps: Deps, ref: string, who: Identity, body: z.infer<typeof Body>): Promise<Response> {
  const { chats: fresh, keep_chats, ...preferences } = body;
  const before = await loadPreferences(deps.db, ref);
  // What Laravel has taken over it alone gives back.
  const laravel = who.kind === 'key' ? preferences.laravel : before.laravel;
  const always = new Set(TYPES.filter((one) => one.always).map((one) => one.type));
  for (const channel of GUEST_CHANNELS) {
    const wrong = preferences.channels[channel].off.filter((type) => always.has(type));
    if (wrong.length > 0)
      throw invalid({ [`channels.${channel}.off`]: [`${wrong.join(', ')} cannot be switched off`] });
  }
  const old = fresh ? await loadChats(deps.db, deps.secret, ref) : [];
  const chats = fresh ? [...fresh, ...old.filter((chat) => keep_chats.includes(chat.kind))] : null;
  const kinds = (chats ?? []).map((chat) => chat.kind);
  if (new Set(kinds).size < kinds.length) throw invalid({ chats: ['one of each kind'] });
  const list = chats ? { secret: deps.secret, list: chats } : null;
  await savePreferences(deps.db, ref, { ...preferences, laravel }, list, new Date(deps.now()));
  return show(deps, ref);
}

const answers = { 200: { description: 'The choice', schema: Shown } };

const Ref = z.object({ ref: z.string().min(1).max(64) });

const own = { scopes: ['session:control'] } as const;

const server = { scopes: ['users:write'] } as const;

const getPreferences = route(
  {
    method: 'get',
    path: '/api/preferences',
    id: 'getPreferences',
    tag: 'Users',
    summary: 'What this guest wants to hear, where and when',
    guard: own,
    answers,
  },
  async ({ deps, who }) => show(deps, await personOf(deps, who)),
);

const putPreferences = route(
  {
    method: 'put',
    path: '/api/preferences',
    id: 'putPreferences',
    tag: 'Users',
    summary: 'Choose it',
    guard: own,
    body: Body,
    answers,
  },
  async ({ deps, who, body }) => keep(deps, await personOf(deps, who), who, body),
);

const getUserPreferences = route(
  {
    method: 'get',
    path: '/api/users/{ref}/preferences',
    id: 'getUserPreferences',
    tag: 'Users',
    summary: 'A person’s choice',
    guard: server,
    params: Ref,
    answers,
  },
  ({ deps, params }) => show(deps, params.ref),
);

const putUserPreferences = route(
  {
    method: 'put',
    path: '/api/users/{ref}/preferences',
    id: 'putUserPreferences',
    tag: 'Users',
    summary: 'Choose for a person; `laravel` names the channels that your app uses itself',
    guard: server,
    params: Ref,
    body: Body,
    answers,
  },
  async ({ deps, who, params, body }) => keep(deps, params.ref, who, body),
);

export const preferenceRoutes = routes(
  getPreferences,
  putPreferences,
  getUserPreferences,
  putUserPreferences,
  unsubscribePages,
);

const PAGE = {
  ask: ['Ne plus recevoir ces lettres ?', 'Stop these letters?', 'Oui, plus de lettres / Yes, no more letters'],
  done: ['Vous ne recevrez plus ces lettres.', 'You will get no more of these letters.', null],
} as const;

function page(state: keyof typeof PAGE): string {
  const [fr, en, button] = PAGE[state];
  return `<!doctype html><html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><title>nocturne</title><link rel="stylesheet" href="/assets/site.css"></head>
<body><main id="main"><div class="page"><div class="panel" data-unsubscribe="${state}"><p>${fr}</p><p lang="en">${en}</p>${button ? `<form method="post"><button class="button primary">${button}</button></form>` : ''}</div></div></main></body></html>`;
}

/** The address of List-Unsubscribe: a mail program posts to it (RFC 8058); a person who opens it is asked first, since programs open links too. */
function unsubscribePages(app: App, deps: Deps): void {
  const refOf = (c: Context): string => {
    const ref = unsubscribeRef(deps.secret, c.req.param('code') ?? '');
    if (ref !== null) return ref;
    refuseGuessing(deps, clientAddress(c));
    throw new Problem('not_found', 'This link is not one of ours.');
  };
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  };
  app.get('/unsubscribe/:code', (c) => {
    refOf(c);
    return c.body(page('ask'), 200, headers);
  });
  app.post('/unsubscribe/:code', async (c) => {
    const ref = refOf(c);
    const before = await loadPreferences(deps.db, ref);
    const channels = { ...before.channels, email: { ...before.channels.email, on: false } };
    await savePreferences(deps.db, ref, { ...before, channels }, null, new Date(deps.now()));
    return c.body(page('done'), 200, headers);
  });
}
