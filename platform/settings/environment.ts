import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { projectRoot } from '../paths.ts';

let loaded = false;
/**
 * The variables of this process: those of the shell, and those of `.env` in the project that the shell does not have. `ENV_FILE` names another file.
 * @throws UsageError when ENV_FILE names none, or this Node cannot read one
 */
export function environment(): NodeJS.ProcessEnv {
  if (loaded) return process.env;
  const named = process.env.ENV_FILE?.trim();
  const file = resolve(projectRoot, named || '.env');
  if (named === '') loaded = true;
  else if (!existsSync(file)) {
    if (named) throw new UsageError(`ENV_FILE: there is no file ${file}.`);
  } else if (typeof process.loadEnvFile !== 'function')
    throw new UsageError(`${file} cannot be read by Node ${process.version}; take Node 20.12 or newer.`);
  else process.loadEnvFile(file);
  loaded = true;
  return process.env;
}
