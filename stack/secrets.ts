import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Secrets of an installation that was given none: made once, readable by its owner only. */
const Secrets = z.object({
  api_key: z.string().min(20),
  gateway_secret: z.string().min(20),
  app_secret: z.string().min(20),
  voyager_username: z.string(),
  voyager_password: z.string().min(8),
  robotarget_secret: z.string().min(16),
  postgres_password: z.string().min(20),
});
export type Secrets = z.infer<typeof Secrets>;

export function loadSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
  const word = (bytes: number): string => randomBytes(bytes).toString('base64url');
  const secrets = Secrets.parse({
    api_key: `nk_${word(24)}`,
    gateway_secret: word(32),
    app_secret: word(24),
    voyager_username: 'nocturne',
    voyager_password: word(12),
    robotarget_secret: word(24),
    postgres_password: word(24),
    // What an earlier version made stays.
    ...before,
  });
  if (Object.keys(before).length === Object.keys(secrets).length) return secrets;
  writeFileSync(`${file}.new`, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}

/**
 * Makes the data folder one that other accounts of this machine cannot look into, and what is in it too. Root's PostgreSQL runs as another user,
 * which must be able to pass. What this process makes from now on is closed as well; the mask that it had before is given back.
 */
export function closeFolder(dataDir: string): number {
  const before = process.umask(0o077);
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  for (const name of readdirSync(dataDir)) {
    const entry = join(dataDir, name);
    chmodSync(entry, statSync(entry).mode & 0o700);
  }
  return before;
}
