import { expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { RunningApi } from '../api/harness.ts';
import { axe, open, seeText } from '../web/browser.ts';

/** Chromium’s own authenticator without hardware (DevTools protocol, WebAuthn): one that has just seen its owner’s finger. */
async function plugInAuthenticator(page: Page): Promise<void> {
  const tools = await page.context().newCDPSession(page);
  await tools.send('WebAuthn.enable');
  await tools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}
const named = (name: string): string => `[data-item="${name}"]`;

/** An operator is invited, makes a passkey, signs out and in again, and asks for the link of another device; in French and without a finding. */
export async function operatorsEvening(browser: Browser, api: RunningApi): Promise<void> {
  const { body } = await api.json<{ invitation: { url: string } }>('POST', '/api/admin/operators', {
    name: 'vega',
    role: 'admin',
  });
  const one = await open(browser, new URL('/admin', body.invitation.url).href, {
    locale: 'fr-FR',
  });
  const { page } = one;
  await plugInAuthenticator(page);
  await seeText(page, named('door'), 'clé d’accès de cet appareil');
  const blank = await axe(page);
  // Without a passkey nobody comes in, and the page says so.
  await page.locator(named('sign-in')).click();
  await seeText(page, '[role="alert"]', 'Aucune clé d’accès n’a répondu');
  await page.goto('about:blank');
  await page.goto(body.invitation.url);
  expect(page.url()).not.toContain('invitation');
  await page.locator(named('passkey-label')).fill('portable');
  await page.locator(named('enrol')).click();
  await seeText(page, named('operators'), 'Connecté ici depuis');
  await seeText(page, named('operators'), 'portable');
  expect(await page.locator(named('door')).isVisible()).toBe(false);
  page.on('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: 'Se déconnecter' }).click();
  // Signed out, the page stands at its door by itself, and a reload finds it there.
  await seeText(page, named('door'), 'clé d’accès de cet appareil');
  await page.reload();
  await page.locator(named('sign-in')).click();
  await seeText(page, named('operators'), 'utilisée le');
  await page.locator(named('another-device')).click();
  await seeText(page, named('device-link'), '/admin#invitation=');
  expect([...blank, ...(await axe(page)), ...one.faults]).toEqual([]);
  await one.close();
}
