import { z } from '@hono/zod-openapi';
import { TelescopeId } from '../../domain/contracts/common.ts';
import type { Identity } from '../auth.ts';

export const Id = z.object({ id: TelescopeId });

export const READ = { scopes: ['telescopes:read', 'telescopes:write', 'bookings:write', 'admin:read'] } as const;

export const seesAll = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';
