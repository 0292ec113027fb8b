import { z } from 'zod';
import { readDateTime } from '../reading/date.ts';

/**
 * Harmless shapes of other programs, brought into the form that a contract expects: null and '' for what is absent, `[]` for an empty object,
 * numbers as text. What would have to be guessed stays, for the contract to refuse.
 */

type Schema = z.core.$ZodType;
/** The parts of zod's definitions that are looked at here. */
interface Definition {
  type: string;
  innerType?: Schema;
  in?: Schema;
  out?: Schema;
  element?: Schema;
  valueType?: Schema;
  shape?: Record<string, Schema>;
  options?: readonly Schema[];
  discriminator?: string;
  values?: readonly unknown[];
  format?: string;
}
const definition = (schema: Schema): Definition => schema._zod.def;

/** A body's schema that takes harmless shapes too, and no body for an empty one; documented as the schema itself. */
export const lenient = <S extends z.ZodType>(schema: S): z.ZodType<z.output<S>, z.input<S>> =>
  z.preprocess((value, context) => {
    const tidied = tidy(schema, isEmpty(value) ? {} : value);
    const path = brokenText(tidied);
    if (path) context.addIssue({ code: 'custom', path, message: 'holds a NUL or half a character; leave it out' });
    return tidied;
  }, schema) as unknown as z.ZodType<z.output<S>, z.input<S>>;

/** A text without what PostgreSQL cannot keep: NUL, and half of a surrogate pair. */
export const whole = (text: string): string => text.replaceAll('\0', '').replaceAll(/\p{Surrogate}/gu, '\uFFFD');

/** Where the first text stands that PostgreSQL cannot keep. */
function brokenText(value: unknown): string[] | null {
  if (typeof value === 'string') return value === whole(value) ? null : [];
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, field] of Object.entries(value)) {
    const path = brokenText(field);
    if (path) return [key, ...path];
  }
  return null;
}

/** `value` in the shape that `schema` expects, as far as nothing has to be guessed. */
export function tidy(schema: Schema, value: unknown): unknown {
  const def = definition(schema);
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return tidy(def.innerType!, value);
    case 'nullable':
      return value === null ? null : tidy(def.innerType!, value);
    case 'pipe':
      return tidy(definition(def.in!).type === 'transform' ? def.out! : def.in!, value);
    case 'object':
      return tidyObject(def.shape!, value);
    case 'record':
      return tidyRecord(def.valueType!, value);
    case 'array':
      return tidyList(def.element!, value);
    case 'union':
      return tidyUnion(def, value);
    default:
      return tidyScalar(def, value);
  }
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '');
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** Fields that are null or empty are left out, unless null is a value of that field. */
function tidyObject(shape: Record<string, Schema>, value: unknown): unknown {
  if (isEmptyList(value)) return {};
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => {
      if (!Object.hasOwn(shape, key)) return [[key, field]];
      if (field === null && takesNull(shape[key]!)) return [[key, null]];
      return isEmpty(field) ? [] : [[key, tidy(shape[key]!, field)]];
    }),
  );
}

function tidyRecord(valueType: Schema, value: unknown): unknown {
  if (isEmptyList(value)) return {};
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, tidy(valueType, field)]));
}

/** PHP writes a list whose keys have holes as an object. */
function tidyList(element: Schema, value: unknown): unknown {
  const keys = isPlain(value) ? Object.keys(value) : [];
  const list = keys.length > 0 && keys.every((key) => /^\d{1,9}$/.test(key)) ? Object.values(value as object) : value;
  return Array.isArray(list) ? list.map((item) => tidy(element, item)) : value;
}

/** The first kind that takes the value as it is, else the first that takes it tidied. */
function tidyUnion({ options = [], discriminator }: Definition, value: unknown): unknown {
  if (discriminator !== undefined && isPlain(value)) {
    const kind = value[discriminator];
    const option = options.find((o) => definition(definition(o).shape![discriminator]!).values?.includes(kind));
    return option ? tidy(option, value) : value;
  }
  if (options.some((option) => z.safeParse(option, value).success)) return value;
  for (const option of options) {
    const tidied = tidy(option, value);
    if (z.safeParse(option, tidied).success) return tidied;
  }
  return value;
}

const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;
const BOOLEANS = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
  [1, true],
  [0, false],
]);

function tidyScalar(def: Definition, value: unknown): unknown {
  if (def.type === 'number') return asNumber(value);
  if (def.type === 'boolean') return BOOLEANS.get(typeof value === 'string' ? value.toLowerCase() : value) ?? value;
  if (def.type === 'literal') return def.values!.includes(value) ? value : asNumber(value);
  if (def.type !== 'string') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return def.format === 'datetime' && typeof value === 'string' ? tidyInstant(value) : value;
}
const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && value.length <= 40 && NUMBER.test(value.trim()) ? Number(value) : value;

const MAX_INSTANT_LENGTH = 64;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
/**
 * A time with an offset, in the contracts' form: `+0100`, no seconds, and a blank for T or for the plus of a query are understood. Anything else
 * stays as it is.
 */
export function tidyInstant(text: string): string {
  if (text.length > MAX_INSTANT_LENGTH || INSTANT.test(text)) return text;
  const read = readDateTime(text.trim().replace(/(\d) (\d\d:?\d\d)$/, (_, before, offset) => `${before}+${offset}`));
  return read?.hasTime && read.offsetStated && read.order === 'ymd' ? new Date(read.utcMs).toISOString() : text;
}

/** The same for the values of an address: what is empty is left out. Null where nothing changes. */
export function tidyQuery(schema: z.ZodObject, search: URLSearchParams): URLSearchParams | null {
  let changed = false;
  const tidied = new URLSearchParams();
  for (const [key, value] of search) {
    const field = Object.hasOwn(schema.shape, key) ? (schema.shape[key] as Schema) : null;
    const text = field !== null && isInstant(field) ? tidyInstant(value) : value;
    if (field !== null && text.trim() === '') changed = true;
    else {
      changed ||= text !== value;
      tidied.append(key, text);
    }
  }
  return changed ? tidied : null;
}
function isInstant(schema: Schema): boolean {
  const def = definition(schema);
  return def.innerType ? isInstant(def.innerType) : def.type === 'string' && def.format === 'datetime';
}

const takesNull = (schema: Schema): boolean => z.safeParse(schema, null).success;

/** An optional field that is absent too when it holds something else than it should: for what a stop can do without. */
export const ifUsable = <T extends z.ZodType>(schema: T): z.ZodOptional<T> =>
  z.preprocess(
    (given) => (schema.safeParse(given).success ? given : undefined),
    schema.optional(),
  ) as unknown as z.ZodOptional<T>;
