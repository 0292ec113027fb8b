import type { Deps } from '../deps.ts';
import type { App } from '../operation.ts';
import { calendarRoutes } from './calendars.ts';
import { installRoutes } from './install.ts';
import { linkRoutes } from './links.ts';
import { preferenceRoutes } from './preferences.ts';
import { pushRoutes } from './push.ts';
import { runbookRoutes } from './runbook.ts';
import { silenceRoutes } from './silence.ts';

/** What people are told and how they choose it: links, preferences, devices, calendars, and the operators' alerts. */
export function noticeRoutes(app: App, deps: Deps): void {
  linkRoutes(app, deps);
  preferenceRoutes(app, deps);
  pushRoutes(app, deps);
  installRoutes(app, deps);
  calendarRoutes(app, deps);
  silenceRoutes(app, deps);
  runbookRoutes(app);
}
