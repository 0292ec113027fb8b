import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Config } from '../../platform/config.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

/** What nobody may have meant: a default that looks like a value. */

/** Degrees of longitude beyond which UTC is hardly anybody's local time. */
const FAR_FROM_GREENWICH_DEGREES = 15;

/** Where a telescope stands; darkness and altitude are reckoned from it. */
export function siteFinding({ id, site }: Telescope): Finding {
  const what = `${id}: site`;
  const mend =
    'Say where it stands: SITE_LATITUDE_DEGREES, SITE_LONGITUDE_DEGREES (east positive) and SITE_TIMEZONE, or `site` in the telescope file.';
  if (site === null) return problem(what, 'nobody said where it stands: it can be watched, not booked', mend);
  const { latitude_degrees: latitude, longitude_degrees: longitude, timezone } = site;
  if (latitude === 0 && longitude === 0) return problem(what, '0°, 0° lies in the Atlantic', mend);
  const detail = `${latitude}°, ${longitude}° (east positive), ${timezone}`;
  return timezone === 'UTC' && Math.abs(longitude) > FAR_FROM_GREENWICH_DEGREES
    ? warning(what, detail, 'Is the site’s clock really on UTC? Guests are told times in this zone; else set its own.')
    : ok(what, detail);
}

/** Addresses that guests are given, where nobody chose them. */
export function addressFindings(config: Config): Finding[] {
  const found: Finding[] = [];
  const host = config.PUBLIC_URL ? new URL(config.PUBLIC_URL).hostname : null;
  if (host === null || ['localhost', '127.0.0.1', '[::1]'].includes(host))
    found.push(
      warning(
        'PUBLIC_URL',
        host === null ? 'not set' : `${config.PUBLIC_URL} is this machine alone`,
        'Links in letters and calendars begin with it: set the address at which guests reach the pages.',
      ),
    );
  if (config.SMTP_URL && /@localhost>?$/.test(config.MAIL_FROM))
    found.push(
      warning(
        'MAIL_FROM',
        `letters come from ${config.MAIL_FROM}`,
        'Most servers refuse that: set an address of your own.',
      ),
    );
  return found;
}
