import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CONFIG_VARIABLES, SECRET_VARIABLES } from '../platform/config.ts';
import { projectPath } from '../platform/paths.ts';
import { environment } from '../platform/settings/environment.ts';
import { environmentOf, type Layout } from './layout.ts';

/**
 * The settings of the stack that runs from a data folder, for the commands that look at it from another shell. Secrets that the caller gave stay with
 * the caller; those that we made stand in secrets.json of the same folder anyway.
 */
const fileOf = (dataDir: string): string => join(dataDir, 'stack.json');

export function writeStack(at: Layout, env: NodeJS.ProcessEnv, voyager: NodeJS.ProcessEnv): void {
  const all: NodeJS.ProcessEnv = { ...env, ...environmentOf(at, env), ...voyager };
  const kept = CONFIG_VARIABLES.filter(
    (name) => all[name] && !(SECRET_VARIABLES as readonly string[]).includes(name),
  ).concat((SECRET_VARIABLES as readonly string[]).filter((name) => all[name] && !env[name] && !env[`${name}_FILE`]));
  const body = { pid: process.pid, env: Object.fromEntries(kept.map((name) => [name, all[name]])) };
  writeFileSync(fileOf(at.dataDir), `${JSON.stringify(body, null, 2)}\n`, { mode: 0o600 });
}
export const forgetStack = (dataDir: string): void => rmSync(fileOf(dataDir), { force: true });

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
};
/** Variables that together say where Voyager is: those of the shell are never mixed with those of the stack. */
const VOYAGER = /^(VOYAGER_(?!PROXY)|TELESCOPES_FILE$)/;

/** The environment, and beneath it the settings of the stack that runs from DATA_DIR. */
export function withStack(env: NodeJS.ProcessEnv = environment()): { env: NodeJS.ProcessEnv; stack: boolean } {
  const file = fileOf(resolve(projectPath(), env.DATA_DIR?.trim() || '.data'));
  if (!existsSync(file)) return { env, stack: false };
  const { pid, env: known } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; env: Record<string, string> };
  if (!lives(pid)) return { env, stack: false };
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const named = given.VOYAGER_HOST || given.TELESCOPES_FILE;
  const below = Object.entries(known).filter(([name]) => !(named && VOYAGER.test(name)) && !given[`${name}_FILE`]);
  return { env: { ...Object.fromEntries(below), ...given }, stack: !given.DATABASE_URL && !given.DATABASE_URL_FILE };
}
