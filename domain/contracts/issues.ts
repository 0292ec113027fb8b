import { z } from 'zod';

/**
 * What is said of a wrong value, in words that continue the field's name ("shots.0.filter is required"). A message of the contract itself goes
 * before these.
 */

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  date: 'a time',
  null: 'null',
};
const FORMATS: Readonly<Record<string, string>> = {
  email: 'must be an e-mail address',
  url: 'must be a web address such as https://example.org/path',
  datetime: 'must be an ISO 8601 time with an offset, such as 2026-11-23T22:00:00Z',
  date: 'must be a date such as 2026-11-23',
};

/** "12 characters", "3 entries", or the number itself. */
function amount(issue: { origin: string }, bound: number | bigint): string {
  const one = Number(bound) === 1;
  if (issue.origin === 'string') return `${bound} character${one ? '' : 's'}`;
  if (issue.origin === 'array' || issue.origin === 'set') return `${bound} ${one ? 'entry' : 'entries'}`;
  return String(bound);
}

function size(issue: Extract<Issue, { code: 'too_big' | 'too_small' }>): string {
  const verb = issue.origin === 'number' || issue.origin === 'int' || issue.origin === 'bigint' ? 'be' : 'have';
  if (issue.code === 'too_big')
    return `must ${verb} ${issue.inclusive === false ? 'less than' : 'at most'} ${amount(issue, issue.maximum)}`;
  return `must ${verb} ${issue.inclusive === false ? 'more than' : 'at least'} ${amount(issue, issue.minimum)}`;
}

const choices = (values: readonly unknown[]): string =>
  values.length === 1 ? `must be ${String(values[0])}` : `must be one of ${values.map(String).join(', ')}`;

/** The sentence of one issue; undefined where the contract has its own. */
export function sayIssue(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${KINDS[issue.expected] ?? 'of another kind'}`;
    case 'too_big':
    case 'too_small':
      return size(issue);
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'is not written as it must be';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `has fields that are not known here: ${issue.keys.join(', ')}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : choices(issue.values);
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : 'is none of the kinds that are taken here';
    case 'invalid_key':
    case 'invalid_element':
      return 'has a wrong entry';
    default:
      return undefined;
  }
}

z.config({ customError: sayIssue });
