import { z } from 'zod';
import { Instant, TelescopeId } from './common.ts';

export const SCOPES = [
  'session:view',
  'session:control',
  'session:abort',
  'bookings:read',
  'bookings:write',
  'robotarget:write',
  'telescopes:read',
  'telescopes:write',
  'users:write',
  'tokens:write',
  'admin:read',
  'admin:write',
] as const;
export type Scope = (typeof SCOPES)[number];
export const TokenRequest = z
  .object({
    kind: z.enum(['booking', 'user', 'admin']),
    subject: z.string().min(1).max(64).describe('booking id, user.ref, or a name for an admin'),
    scopes: z.array(z.enum(SCOPES)).optional(),
    expires_at: Instant.optional(),
    telescopes: z
      .array(TelescopeId)
      .max(100)
      .optional()
      .describe('For these alone; all that the key is for when left out'),
  })
  .meta({ id: 'TokenRequest' });
export type TokenRequest = z.infer<typeof TokenRequest>;
export const TokenResponse = z
  .object({
    token: z.string(),
    id: z.string(),
    kind: z.string(),
    subject: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    expires_at: Instant,
    control_url: z.string().nullable(),
  })
  .meta({ id: 'Token' });
export type TokenResponse = z.infer<typeof TokenResponse>;
