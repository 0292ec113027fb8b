import pino, { type Logger, type LoggerOptions } from 'pino';

export type { Logger };

/** Field names that never reach a log line, at any depth of two. */
const REDACTED = [
  'password',
  'secret',
  'token',
  'authorization',
  'apiKey',
  'api_key',
  'ticket',
  'Base',
  'MAC',
  'Ticket',
  'cookie',
];

/** JSON lines on stdout, or at the end of a file; one logger per process, children per part. */
export function createLogger(name: string, level = 'info', file?: string): Logger {
  const options: LoggerOptions = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: REDACTED.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `headers["x-api-key"]`]),
      censor: '[secret]',
    },
    serializers: { err: pino.stdSerializers.err },
  };
  return file === undefined ? pino(options) : pino(options, pino.destination({ dest: file, append: true, sync: true }));
}
