import { z } from 'zod';
import { Guid, Instant } from './common.ts';
import { VOYAGER_STATUS } from './state.ts';

/** `GET /api/dashboard/state`: the top level is what the owner's existing page shows; richer fields stand beside it. */
export const DashboardState = z
  .looseObject({
    voyager_status: z.enum(VOYAGER_STATUS),
    message: z.string().nullable(),
    target_name: z.string().nullable(),
    target_guid: Guid.nullable(),
    set_guid: Guid.nullable(),
    target_enabled: z.boolean().nullable(),
    updated_at: Instant,
    equipment: z.array(
      z.object({
        key: z.string(),
        label: z.string(),
        connected: z.boolean(),
        status: z.string(),
        detail: z.string().nullable(),
      }),
    ),
    sequence: z
      .object({
        progress: z.number(),
        shots_total: z.number().int(),
        shots_done: z.number().int(),
        integration_minutes: z.number(),
      })
      .nullable(),
    exposure: z
      .object({ filter: z.string().nullable(), elapsed: z.number(), remaining: z.number(), progress: z.number() })
      .nullable(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'DashboardState' });
export type DashboardState = z.infer<typeof DashboardState>;
