import type { Locale } from '../../../domain/reasons.ts';

/** Numbers, times and spans as people of either language write them. `—` stands for what nobody knows. */
export const UNKNOWN = '—';
const numbers = new Map<string, Intl.NumberFormat>();
const times = new Map<string, Intl.DateTimeFormat>();

export function number(value: number | null | undefined, locale: Locale, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const key = `${locale}${digits}`;
  let format = numbers.get(key);
  if (!format)
    numbers.set(
      key,
      (format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })),
    );
  return format.format(value).replace('-', '\u2212');
}

function timeFormat(
  locale: Locale,
  zone: string | undefined,
  options: Intl.DateTimeFormatOptions,
  key: string,
): Intl.DateTimeFormat {
  const id = `${locale}|${zone ?? ''}|${key}`;
  let format = times.get(id);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat(locale, { ...options, ...(zone ? { timeZone: zone } : {}) });
    } catch {
      format = new Intl.DateTimeFormat(locale, options);
    }
    times.set(id, format);
  }
  return format;
}
const instant = (at: string | number | null | undefined): number | null => {
  if (at === null || at === undefined) return null;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return Number.isFinite(ms) ? ms : null;
};

/** 22:04:31; `zone` an IANA name, the viewer's own when left out. */
export function clock(at: string | number | null | undefined, locale: Locale, zone?: string, seconds = true): string {
  const ms = instant(at);
  if (ms === null) return UNKNOWN;
  return timeFormat(
    locale,
    zone,
    { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}), hourCycle: 'h23' },
    seconds ? 'hms' : 'hm',
  ).format(ms);
}
export function dayAndTime(at: string | number | null | undefined, locale: Locale, zone?: string): string {
  const ms = instant(at);
  if (ms === null) return UNKNOWN;
  return timeFormat(
    locale,
    zone,
    { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    'dhm',
  ).format(ms);
}
/** The zone's short name at that time: UTC, CET, UTC−3. */
export function zoneName(at: string | number, locale: Locale, zone?: string): string {
  const ms = instant(at);
  if (ms === null) return '';
  const parts = timeFormat(locale, zone, { hour: '2-digit', timeZoneName: 'short' }, 'zone').formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}
export function day(at: string | number | null | undefined, locale: Locale, zone?: string): string {
  const ms = instant(at);
  if (ms === null) return UNKNOWN;
  return timeFormat(locale, zone, { day: 'numeric', month: 'long', year: 'numeric' }, 'day').format(ms);
}

/** 1:02:03 or 02:03; whole seconds. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const total = Math.max(0, Math.floor(seconds));
  const h = Math.floor(total / 3600);
  const m = Math.floor(total / 60) % 60;
  const s = total % 60;
  const two = (n: number): string => String(n).padStart(2, '0');
  if (h >= 48) return `${Math.floor(h / 24)} d ${h % 24} h`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}
/** "2 h 05", "12 min", "40 s". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600)
    return `${Math.floor(total / 60)} min${total % 60 ? ` ${String(total % 60).padStart(2, '0')}` : ''}`;
  return `${Math.floor(total / 3600)} h ${String(Math.floor(total / 60) % 60).padStart(2, '0')}`;
}
export function bytes(value: number | null | undefined, locale: Locale): string {
  if (value === null || value === undefined) return UNKNOWN;
  const units = locale === 'fr' ? ['o', 'Ko', 'Mo', 'Go', 'To'] : ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${number(size, locale, unit === 0 || size >= 100 ? 0 : 1)} ${units[unit]}`;
}
export function percent(share: number | null | undefined, locale: Locale, digits = 0): string {
  return share === null || share === undefined
    ? UNKNOWN
    : `${number(share * 100, locale, digits)}${locale === 'fr' ? '\u202f' : ''}%`;
}
/** A position as text, with the language's decimal sign. */
export const coordinate = (text: string, locale: Locale): string =>
  locale === 'fr' ? text.replaceAll('.', ',') : text;
