import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
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
});
export type Secrets = z.infer<typeof Secrets>;

export function loadSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  if (existsSync(file)) return Secrets.parse(JSON.parse(readFileSync(file, 'utf8')));
  const word = (bytes: number): string => randomBytes(bytes).toString('base64url');
  const secrets: Secrets = {
    api_key: `nk_${word(24)}`,
    gateway_secret: word(32),
    app_secret: word(24),
    voyager_username: 'nocturne',
    voyager_password: word(12),
    robotarget_secret: word(24),
  };
  writeFileSync(`${file}.new`, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}
