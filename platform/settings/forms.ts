import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { readNumber } from '../../domain/reading/index.ts';
import { parseCodecKeys } from '../codec/keys.ts';

/**
 * The forms of a setting: each reads a text and gives the one form that the code sees. Its error says what is expected and what to write, and never
 * repeats a secret.
 */
type Read<T> = (text: string) => T;
/** A form as a field of the schema; an empty text never comes here, since empty is absent (read.ts). */
export const field = <T>(read: Read<T>) =>
  z.string().transform((text, context): T => {
    try {
      return read(text);
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message });
      return z.NEVER;
    }
  });
const wrong = (message: string): Error => new Error(message);

/** Comma-separated entries, each of the same form, none twice. */
export const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  (text) => [
    ...new Set(
      text
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean)
        .map(read),
    ),
  ];

export const plain: Read<string> = (text) => text;
const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];
/** Long enough that nobody guesses it. Its text is never repeated. */
export const strong: Read<string> = (text) => {
  if (text.length < LEAST_SECRET)
    throw wrong(`must have ${LEAST_SECRET} characters at least; \`openssl rand -base64 32\` makes a good one`);
  return text;
};
const LEAST_SECRET = 16;
export const flag: Read<boolean> = (text) => {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return true;
  if (FALSE.includes(word)) return false;
  throw wrong(`must be true or false, not "${text}"`);
};
export const oneOf =
  <T extends string>(...words: readonly T[]): Read<T> =>
  (text) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found === undefined) throw wrong(`must be one of ${words.join(', ')}, not "${text}"`);
    return found;
  };
/** Digits with a decimal point alone; what a person wrote otherwise is a suggestion, not a value. */
const figure = (text: string): number => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN);
const suggested = (text: string): string => {
  const value = /^\d{1,3},\d{3}$/.test(text) ? null : readNumber(text);
  return value === null ? '' : `; write ${value}`;
};
export const wholeNumber =
  (least: number, most: number, unit = ''): Read<number> =>
  (text) => {
    const value = figure(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw wrong(`must be a whole number${unit && ` of ${unit}`} from ${least} to ${most}, not "${text}"`);
    return value;
  };
export const numberFrom =
  (least: number, most: number, unit: string): Read<number> =>
  (text) => {
    const value = figure(text);
    if (!Number.isFinite(value))
      throw wrong(`must be a number of ${unit} from ${least} to ${most}, not "${text}"${suggested(text)}`);
    if (value < least || value > most)
      throw wrong(`must be a number of ${unit} from ${least} to ${most}, not "${text}"`);
    return value;
  };
/** An IANA name that this machine knows. */
export const timeZone: Read<string> = (text) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw wrong(`must be the IANA name of a time zone, not "${text}"; write Europe/Paris`);
  }
};
export const positiveNumber: Read<number> = (text) => {
  const value = figure(text);
  if (!Number.isFinite(value)) throw wrong(`must be a number above 0, not "${text}"${suggested(text)}`);
  if (value <= 0) throw wrong(`must be a number above 0, not "${text}"`);
  return value;
};
/** Where we listen; 0 takes any free one. */
export const port = wholeNumber(0, 65_535);
/** Where somebody else listens. */
export const remotePort = wholeNumber(1, 65_535);
export const guid: Read<string> = (text) => {
  const bare = text.replace(/^\{(.*)\}$/, '$1');
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(bare))
    throw wrong(
      `must be a GUID such as 7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11, not "${text}"; RoboTarget shows that of each base sequence`,
    );
  return bare;
};
export const fileName: Read<string> = (text) => {
  try {
    readFileSync(text);
    return text;
  } catch (thrown) {
    throw wrong(
      `must be a file that this user may read; "${text}" cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
};
/** Keys of the codec, kept as they are written; read again where they are used. */
export const codecKeys: Read<string> = (text) => {
  parseCodecKeys(text);
  return text;
};
/** PEM text, or the name of a file that holds it. */
export const pem: Read<string> = (text) => (text.includes('-----BEGIN') ? text : fileName(text));

const isName = (host: string): boolean =>
  host.length <= 253 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(host);
/** A host name or address alone. IPv6 may stand in brackets. */
export const host =
  (portVariable: string): Read<string> =>
  (text) => {
    const bare = text.replace(/^\[(.*)\]$/, '$1');
    if (/^[\d.]+$/.test(bare) && !isIPv4(bare))
      throw wrong(`must be a host name or address alone, not "${text}"; an IPv4 address has four numbers up to 255`);
    if (isName(bare) || isIPv6(bare)) return bare;
    const inside = /^(?:\w+:\/\/)?([^:/@]+)(?::(\d+))?\/?$/.exec(text);
    throw wrong(
      `must be a host name or address alone, not "${text}"${inside && isName(inside[1]!) ? `; write ${inside[1]}${inside[2] ? ` here and ${inside[2]} as ${portVariable}` : ''}` : ''}`,
    );
  };
/** `host:port`; the port may be left out. */
export const hostAndPort =
  (usualPort: number, howToEncrypt: string): Read<string> =>
  (text) => {
    const found = /^(\[[0-9a-f:.]+\]|[^:/[\]@\s]+)(?::(\d{1,5}))?$/i.exec(text);
    const number = Number(found?.[2] ?? usualPort);
    if (!found || !(found[1]!.startsWith('[') || isName(found[1]!)) || number > 65_535 || number < 1)
      throw wrong(
        `must be host:port without a scheme, such as temporal.example:${usualPort}, not "${text}"${text.startsWith('https:') ? `; ${howToEncrypt}` : ''}`,
      );
    return `${found[1]}:${found[2] ?? usualPort}`;
  };

const parsed = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);
/** Quotation marks that a shell or Compose left around a value. */
const quoted = (text: string): string => (/^["']/.test(text) ? ' without quotation marks' : '');
function http(text: string, example: string): URL {
  const url = parsed(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const better = /^[\w.-]+\.[a-z]{2,}(:\d+)?(\/\S*)?$/i.test(text) ? `https://${text}` : example;
  const local = /^(?:localhost|[\d.]+)(:\d+)?(\/\S*)?$/i.test(text) ? `http://${text}` : better;
  throw wrong(`must be an address with http:// or https://${quoted(text)}, not "${text}"; write ${local}`);
}
/** An address that is called as it stands. */
export const webUrl =
  (example: string): Read<string> =>
  (text) => {
    http(text, example);
    return text;
  };
/** An address to which paths are added: without a slash at its end. */
export const baseUrl =
  (example: string): Read<string> =>
  (text) => {
    const url = http(text, example);
    if (url.search || url.hash) throw wrong(`must end before any "?" or "#"; write ${url.origin}${url.pathname}`);
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  };
/** Scheme, host and port alone, as browsers write an origin: small letters, no slash, no port that goes without saying. */
export const origin =
  (example: string): Read<string> =>
  (text) => {
    if (text === '*') throw wrong(`names each origin; "*" would let every site of the world in; write ${example}`);
    if (/[;\s]\S/.test(text))
      throw wrong(`holds a blank or a semicolon; several addresses stand with commas between them, not "${text}"`);
    const url = http(text, example);
    if (url.hostname.includes('*'))
      throw wrong(`must name each host, since "*" stands for none here, not "${text}"; write ${example}`);
    if (['0.0.0.0', '[::]'].includes(url.hostname))
      throw wrong(`must be what a browser opens, and nobody reaches ${url.hostname}; write ${example}`);
    if (url.pathname !== '/' || url.search || url.hash || url.username)
      throw wrong(`must be scheme, host and port alone; write ${url.origin}`);
    return url.origin;
  };

const decodes = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
};
/**
 * A URL with user and password in it. A password that was pasted as it is, with any of `# / ? % @`, is encoded here: RFC 3986 ends the authority at
 * the first of them, and the last `@` is what the writer meant.
 */
function withPassword(text: string): URL | null {
  const url = parsed(text);
  const asMeant =
    url && decodes(url.username) && decodes(url.password) && !`${url.pathname}${url.search}${url.hash}`.includes('@');
  if (asMeant) return url;
  // A mail account's name is an address: it may hold an @ too.
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^:/?#]*):(.*)@([^@]*)$/is.exec(text);
  if (!parts) return url;
  const [, scheme = '', user = '', password = '', rest = ''] = parts;
  const name = decodes(user) ? decodeURIComponent(user) : user;
  return parsed(`${scheme}${encodeURIComponent(name)}:${encodeURIComponent(password)}@${rest}`);
}
/** `scheme://user:password@host:port/…` of one of the schemes; a secret, so its text is not repeated. */
export const secretUrl =
  (schemes: readonly string[], example: string): Read<string> =>
  (text) => {
    const url = withPassword(text);
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
    if (!scheme || !schemes.includes(scheme))
      throw wrong(
        `must begin with ${schemes.map((name) => `${name}://`).join(' or ')}${quoted(text)}${scheme ? `, not ${scheme}:` : ''}; write ${example}`,
      );
    if (!url || (url.hostname === '' && !url.searchParams.has('host')))
      throw wrong(`is not an address of the form ${example}; a password may hold any character, host and port may not`);
    return url.href;
  };

const MAILBOX = /^[^\s@"(),:;<>[\]\\]{1,64}@[^\s@"(),:;<>[\]\\]{1,189}$/u;
export const email: Read<string> = (text) => {
  if (!MAILBOX.test(text)) throw wrong(`must be an e-mail address, not "${text}"; write operator@example.org`);
  return text;
};
/** An address, or `Name <address>`. */
export const mailbox: Read<string> = (text) => {
  if (!MAILBOX.test(/^[^<>]*<([^<>]+)>$/.exec(text)?.[1] ?? text))
    throw wrong(`must be an e-mail address or Name <address>, not "${text}"; write Observatory <nocturne@example.org>`);
  return text;
};
/** `bytes` bytes in base64url, as web push writes its keys. */
export const key =
  (bytes: number): Read<string> =>
  (text) => {
    if (!/^[\w-]+=*$/.test(text) || Buffer.from(text, 'base64url').length !== bytes)
      throw wrong(
        `must be ${bytes} bytes in base64url; \`npx web-push generate-vapid-keys\` makes the two that belong together`,
      );
    return text;
  };
