export type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
};
export interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }[];
  requestBody?: {
    required?: boolean;
    content: Record<string, { schema: Schema; examples?: Record<string, { value: unknown }> }>;
  };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>;
}
export interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> };
  tags: { name: string }[];
}

export function resolve(document: OpenApi, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = /^#\/components\/schemas\/(.+)$/.exec(schema.$ref)?.[1];
  const found = name === undefined ? undefined : document.components.schemas[name];
  if (!found) throw new Error(`unresolved ${schema.$ref}`);
  return resolve(document, found);
}

const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'integer'
          : 'number'
        : typeof value;

/** What of a value breaks its schema, with the place; empty when nothing does. The part of JSON Schema that our document uses. */
export function violations(document: OpenApi, given: Schema, value: unknown, at = '$'): string[] {
  const schema = resolve(document, given);
  const found: string[] = [];
  for (const part of schema.allOf ?? []) found.push(...violations(document, part, value, at));
  for (const choices of [schema.anyOf, schema.oneOf])
    if (choices && !choices.some((choice) => violations(document, choice, value, at).length === 0))
      found.push(
        `${at}: fits none of ${choices.length} (${choices.map((c) => violations(document, c, value, at)[0]).join(' | ')})`,
      );
  if (schema.const !== undefined && value !== schema.const) found.push(`${at}: is not ${JSON.stringify(schema.const)}`);
  if (schema.enum && !schema.enum.includes(value))
    found.push(`${at}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`);
  if (schema.type !== undefined) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    const type = typeOf(value);
    if (!types.includes(type) && !(type === 'integer' && types.includes('number')))
      return [...found, `${at}: ${type} instead of ${types.join('/')}`];
  }
  if (typeof value === 'string') {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
      found.push(`${at}: "${value.slice(0, 60)}" does not match ${schema.pattern}`);
    if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) found.push(`${at}: "${value}" is no time`);
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) found.push(`${at}: ${value} < ${schema.minimum}`);
    if (schema.maximum !== undefined && value > schema.maximum) found.push(`${at}: ${value} > ${schema.maximum}`);
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems) found.push(`${at}: ${value.length} items`);
    if (schema.maxItems !== undefined && value.length > schema.maxItems) found.push(`${at}: ${value.length} items`);
    if (schema.items)
      value.forEach((item, i) => found.push(...violations(document, schema.items!, item, `${at}[${i}]`)));
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>;
    for (const name of schema.required ?? []) if (!Object.hasOwn(object, name)) found.push(`${at}.${name}: is missing`);
    for (const [name, item] of Object.entries(object)) {
      const property = schema.properties?.[name];
      if (property) found.push(...violations(document, property, item, `${at}.${name}`));
      else if (typeof schema.additionalProperties === 'object')
        found.push(...violations(document, schema.additionalProperties, item, `${at}.${name}`));
      else if (schema.additionalProperties === false) found.push(`${at}.${name}: is not in the schema`);
    }
  }
  return found;
}
