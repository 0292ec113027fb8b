import { UsageError } from '../errors.ts';

export interface SettingProblem {
  /** The variable, or a field of the telescope file. */
  name: string;
  /** What is expected and what to do, without the value of a secret. */
  message: string;
}

/** Every setting that cannot work, in one message for a person. */
export class SettingsError extends UsageError {
  override name = 'SettingsError';
  readonly problems: readonly SettingProblem[];
  constructor(problems: readonly SettingProblem[]) {
    super(
      `${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} not right:\n${problems
        .map(({ name, message }) => `  ${name}: ${message}.`)
        .join('\n')}\nVariables come from the shell or from .env; .env.example and docs/configuration.md explain each.`,
    );
    this.problems = problems;
  }
}

/** What to set where a variable is missing. */
const HOW: Record<string, string> = {
  DATABASE_URL:
    'set it to your PostgreSQL, postgresql://user:password@host:5432/nocturne; `npm start` alone brings its own',
  GATEWAY_SECRET: 'set the same secret text for api, gateway and worker; `openssl rand -base64 32` makes one',
};
export const missing = (name: string): SettingProblem => ({
  name,
  message: `is not set; ${HOW[name] ?? 'set it in the shell or in .env'}`,
});
