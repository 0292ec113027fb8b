/** Makes the source of the typed TypeScript client out of the OpenAPI document. Small on purpose: it knows the part of JSON Schema that we use. */
interface Schema {
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
  description?: string;
}
interface OperationObject {
  operationId: string;
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}
interface Document {
  info: { version: string };
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, Schema> };
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const safe = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** A schema as a TypeScript type. */
export function typeOf(schema: Schema, indent = ''): string {
  if (schema.$ref) return schema.$ref.split('/').at(-1)!;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((choice) => typeOf(choice, indent)))].join(' | ');
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, indent)).join(' & ');
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return [...new Set(types.map((type) => plainType(type, schema, indent)))].join(' | ');
}
function plainType(type: string | undefined, schema: Schema, indent: string): string {
  switch (type) {
    case 'null':
      return 'null';
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'integer':
    case 'number':
      return 'number';
    case 'array': {
      const item = typeOf(schema.items ?? {}, indent);
      return /[|&]/.test(item) ? `(${item})[]` : `${item}[]`;
    }
    case 'object': {
      const required = new Set(schema.required ?? []);
      const inner = `${indent}  `;
      const fields = Object.entries(schema.properties ?? {}).map(
        ([name, part]) =>
          `${part.description ? `${inner}/** ${part.description.replaceAll('*/', '* /')} */\n` : ''}${inner}${safe(name)}${required.has(name) ? '' : '?'}: ${typeOf(part, inner)};`,
      );
      const rest = schema.additionalProperties;
      if (fields.length === 0)
        return `Record<string, ${typeof rest === 'object' && Object.keys(rest).length > 0 ? typeOf(rest, inner) : 'unknown'}>`;
      return `{\n${fields.join('\n')}\n${indent}}`;
    }
    default:
      return 'unknown';
  }
}

/** The method of an operation; none for one whose body is not JSON. */
function methodOf(path: string, method: string, operation: OperationObject): string[] {
  const body = operation.requestBody?.content['application/json']?.schema;
  if (operation.requestBody && !body) return [];
  const inPath = (operation.parameters ?? []).filter((p) => p.in === 'path');
  const inQuery = (operation.parameters ?? []).filter((p) => p.in === 'query' && p.name !== 'exp' && p.name !== 'sig');
  const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
  const schemas = answers.map(([, answer]) => answer.content?.['application/json']?.schema);
  const binary = answers.some(([, answer]) => answer.content && !answer.content['application/json']);
  const result = binary
    ? 'Response'
    : [...new Set(schemas.map((schema) => (schema ? typeOf(schema, '  ') : 'void')))].join(' | ');
  const queryType = `{ ${inQuery.map((p) => `${safe(p.name)}${p.required ? '' : '?'}: ${typeOf(p.schema, '  ')}`).join('; ')} }`;
  const args = [
    ...inPath.map((p) => `${p.name}: string`),
    ...(body ? [`body${operation.requestBody?.required ? '' : '?'}: ${typeOf(body, '  ')}`] : []),
    ...(inQuery.length > 0 ? [`query${inQuery.some((p) => p.required) ? '' : '?'}: ${queryType}`] : []),
    'options?: RequestOptions',
  ];
  const address = path.replaceAll(/\{(\w{1,64})\}/g, (_all, name: string) => `\${encodeURIComponent(${name})}`);
  return [
    `  /** ${operation.summary ?? operation.operationId}. \`${method.toUpperCase()} ${path}\` */\n  ${operation.operationId}(${args.join(', ')}): Promise<${result}> {\n    return this.send<${result}>('${method.toUpperCase()}', \`${address}\`, { ${body ? 'body, ' : ''}${inQuery.length > 0 ? 'query, ' : ''}${binary ? 'raw: true, ' : ''}options });\n  }`,
  ];
}

/** The whole client as one file without dependencies, for Node 20+ and browsers. */
export function clientSource(document: object): string {
  const { paths, components, info } = document as Document;
  const types = Object.entries(components.schemas)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`);
  const methods = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.includes(method))
      .flatMap(([method, operation]) => methodOf(path, method, operation)),
  );
  return `// Made from the OpenAPI document of nocturne ${info.version}; do not edit.

${types.join('\n\n')}

export interface ClientOptions {
  /** Where the API stands, such as https://telescope.example */
  baseUrl: string;
  /** Server key (\`X-API-Key\`). */
  apiKey?: string;
  /** Token of POST /api/tokens. */
  token?: string;
  fetch?: typeof fetch;
}
export interface RequestOptions {
  /** Makes a repetition the same command. */
  idempotencyKey?: string;
  /** Only if the resource is still this one. */
  ifMatch?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A refusal of the API (RFC 9457); \`errors\` names the fields on 422. */
export class NocturneProblem extends Error {
  readonly problem: Problem;
  readonly status: number;
  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'NocturneProblem';
    this.problem = problem;
    this.status = problem.status;
  }
}

interface Sent {
  body?: unknown;
  query?: Record<string, unknown> | undefined;
  raw?: boolean;
  options?: RequestOptions | undefined;
}

export class NocturneClient {
  private readonly options: ClientOptions;
  constructor(options: ClientOptions) {
    this.options = options;
  }

  private async send<T>(method: string, path: string, { body, query, raw, options }: Sent): Promise<T> {
    const { baseUrl, apiKey, token } = this.options;
    const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
    const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
    const response = await (this.options.fetch ?? fetch)(\`\${baseUrl.replace(/\\/$/, '')}\${path}\${given.length > 0 ? \`?\${search.toString()}\` : ''}\`, {
      method,
      headers: {
        ...(apiKey ? { 'x-api-key': apiKey } : {}),
        ...(token ? { authorization: \`Bearer \${token}\` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options?.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {}),
        ...(options?.ifMatch ? { 'if-match': options.ifMatch } : {}),
        ...options?.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options?.signal ? { signal: options.signal } : {}),
    });
    if (!response.ok && response.status !== 304) {
      const problem = (await response.json().catch(() => null)) as Problem | null;
      throw new NocturneProblem(problem ?? ({ type: 'about:blank', title: response.statusText, status: response.status, code: 'internal', detail: \`HTTP \${response.status}\` } as Problem));
    }
    if (raw) return response as T;
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

${methods.join('\n\n')}
}
`;
}
