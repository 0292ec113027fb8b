import { z } from '@hono/zod-openapi';
import { getCookie, setCookie } from 'hono/cookie';
import { BookingId } from '../../domain/contracts/common.ts';
import { makeLink } from '../../platform/links.ts';
import { VIEW_AFTER_SLOT_MS, requireBooking, requireOwner } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, operation, type App } from '../operation.ts';

const COOKIE = 'nocturne_pair';
const CODE = /^[0-9a-f-]{36}\.[\w-]{43}$/;
const SESSION_SCOPES = ['session:view', 'session:control', 'session:abort'];

/**
 * A session's page as an app on a phone, whose storage is apart from the browser's (iOS), so its first address carries a link. The code reaches the
 * manifest in a cookie and stands in no address and no log.
 */
export function installRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/bookings/{id}/pairing',
      id: 'pairInstall',
      tag: 'Pages',
      summary: 'Make the page of this session installable, with its key',
      guard: { scopes: ['session:view'] },
      params: z.object({ id: BookingId }),
      answers: {
        200: {
          description: 'Where its manifest is; a cookie carries the code there',
          schema: z.object({ manifest_url: z.string() }).meta({ id: 'Pairing' }),
        },
      },
    },
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      const booking = await deps.db.booking.findUnique({ where: { id: params.id } });
      if (!booking) throw new Problem('not_found', `No booking ${params.id}.`);
      requireOwner(who, booking);
      const base = `/control/${encodeURIComponent(booking.id)}`;
      const code = await makeLink(deps.db, deps.secret, {
        key: `pairing/${who.credentialId}`,
        bookingId: booking.id,
        scopes: SESSION_SCOPES.filter((scope) => who.scopes.has(scope as 'session:view')),
        expiresAt: new Date(booking.endsAt.getTime() + VIEW_AFTER_SLOT_MS),
      });
      const response = json({ manifest_url: `${base}/manifest.webmanifest` }, 200, { 'cache-control': 'no-store' });
      setCookie(c, COOKIE, code, {
        path: `${base}/manifest.webmanifest`,
        httpOnly: true,
        sameSite: 'Strict',
        secure: deps.config.PUBLIC_URL?.startsWith('https:') ?? false,
        maxAge: 3_600,
      });
      for (const cookie of c.res.headers.getSetCookie()) response.headers.append('set-cookie', cookie);
      return response;
    },
  );

  app.get('/control/:id/manifest.webmanifest', (c) => {
    const id = BookingId.safeParse(c.req.param('id'));
    if (!id.success) throw new Problem('not_found', 'There is no such page.');
    const start = `/control/${encodeURIComponent(id.data)}`;
    const code = getCookie(c, COOKIE);
    return c.body(JSON.stringify(manifest(start, code && CODE.test(code) ? code : null)), 200, {
      'content-type': 'application/manifest+json',
      'cache-control': 'no-store',
    });
  });
}

const manifest = (start: string, code: string | null): Record<string, unknown> => ({
  name: 'nocturne',
  short_name: 'nocturne',
  description: 'Watch and steer your telescope session',
  id: start,
  start_url: code ? `${start}#link=${code}` : start,
  scope: '/',
  display: 'standalone',
  background_color: '#05070f',
  theme_color: '#05070f',
  icons: [
    { src: '/assets/icon-192.png', sizes: '192x192', type: 'image/png', purpose: 'any' },
    { src: '/assets/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
    { src: '/assets/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
  ],
});
