import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';

/**
 * PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`. Where that user cannot reach the program (a private home),
 * `setpriv` keeps the one capability that lets it pass.
 */
export interface RunAs {
  command: string;
  args: string[];
  uid?: number;
  gid?: number;
}

let account: { uid: number; gid: number } | null | undefined;
function unprivilegedAccount(): { uid: number; gid: number } | null {
  if (account !== undefined) return account;
  account = null;
  if (process.getuid?.() !== 0) return account;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
    if (uid!.status === 0 && gid!.status === 0)
      return (account = { uid: Number(uid!.stdout), gid: Number(gid!.stdout) });
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody"; start as another user or set DATABASE_URL.',
  );
}

/** Gives a folder to the user that PostgreSQL runs as. */
export function handOver(folder: string): void {
  const user = unprivilegedAccount();
  if (user) chownSync(folder, user.uid, user.gid);
}

/** How to start a program as that user. `reach`: paths it must be able to read. */
export function runAs(command: string, args: string[], reach: string[]): RunAs {
  const user = unprivilegedAccount();
  if (!user) return { command, args };
  const reachable = [command, ...reach].every(
    (path) => spawnSync('test', ['-r', path], { ...user, cwd: '/' }).status === 0,
  );
  if (reachable) return { command, args, ...user };
  const capabilities = '+dac_override,+dac_read_search';
  return {
    command: 'setpriv',
    args: [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      `--inh-caps=${capabilities}`,
      `--ambient-caps=${capabilities}`,
      command,
      ...args,
    ],
  };
}
