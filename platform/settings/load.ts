import { existsSync, readFileSync } from 'node:fs';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { readConfig, type Config } from '../config.ts';
import { gatewayUrlOf, readTelescopesFile, telescopesFromConfig } from '../telescopes.ts';
import { environment } from './environment.ts';
import { keepOwnSecrets, type OurProcess } from './own-secrets.ts';
import { SettingsError, missing, type SettingProblem } from './problems.ts';

export interface Settings {
  config: Config;
  telescopes: Telescope[];
}
/** What a process needs beyond variables that have a right form. */
export interface Needs {
  /** Which process asks: it forgets the secrets of the others once all is checked. */
  process?: OurProcess;
  required?: readonly (keyof Config)[];
  /** More that can be wrong, asked even where other variables are; `telescopes` is null where they could not be read. */
  check?: (
    values: Readonly<Record<string, string | undefined>>,
    telescopes: readonly Telescope[] | null,
  ) => SettingProblem[];
}

/**
 * Every setting of a process, checked at once before anything is opened: variables, what they need beside them, telescope file, files of secrets.
 * @throws SettingsError with all that is wrong
 */
export function loadSettings(needs: Needs = {}, env: NodeJS.ProcessEnv = environment()): Settings {
  const { config, values, problems } = readConfig(env);
  const { telescopes, wrong } = readTelescopes(config, values.TELESCOPES_FILE);
  const found = [...problems, ...ownSecretFiles(env), ...wrong];
  for (const name of needs.required ?? [])
    if (!values[name] && !found.some((problem) => problem.name.startsWith(name))) found.push(missing(name));
  found.push(...(needs.check?.(values, telescopes) ?? []));
  if (!config || !telescopes || found.length > 0) throw new SettingsError(found);
  return { config: needs.process ? keepOwnSecrets(needs.process, config, env) : config, telescopes };
}

/** The telescope file is read even where variables are wrong, so that all is told at once. */
function readTelescopes(
  config: Config | null,
  file: string | undefined,
): { telescopes: Telescope[] | null; wrong: readonly SettingProblem[] } {
  if (!file) return { telescopes: config ? telescopesFromConfig(config) : null, wrong: [] };
  if (!existsSync(file)) return { telescopes: null, wrong: [] };
  const { telescopes, problems } = readTelescopesFile(file, config && gatewayUrlOf(config));
  return { telescopes: problems.length > 0 ? null : telescopes, wrong: problems };
}

const OWN = /^VOYAGER_(?:USERNAME|PASSWORD|TICKET|ROBOTARGET_SECRET)__([A-Z0-9_]+?)(_FILE)?$/;
/** Files that hold the secrets of one telescope (`VOYAGER_PASSWORD__SOUTH_1_FILE`) and cannot be read. */
function ownSecretFiles(env: NodeJS.ProcessEnv): SettingProblem[] {
  return Object.entries(env).flatMap(([name, file]) => {
    if (!file || !OWN.exec(name)?.[2]) return [];
    try {
      readFileSync(file);
      return [];
    } catch (thrown) {
      return [
        {
          name,
          message: `must be a file that this user may read; "${file}" cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'error'})`,
        },
      ];
    }
  });
}
