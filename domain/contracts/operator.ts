import { z } from 'zod';
import { Instant, TelescopeId, patterned } from './common.ts';
import { SCOPES, type Scope } from './token.ts';

/** What an operator may do. An observer looks; an operator also works the telescopes; an administrator does all but make keys. */
export const ROLES = ['observer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];
const LOOK: readonly Scope[] = ['session:view', 'bookings:read', 'telescopes:read', 'admin:read'];
export const ROLE_SCOPES: Record<Role, readonly Scope[]> = {
  observer: LOOK,
  operator: [...LOOK, 'session:control', 'session:abort', 'telescopes:write'],
  admin: SCOPES.filter((scope) => scope !== 'tokens:write'),
};

export const OperatorRequest = z
  .object({
    name: patterned(40, /^[A-Za-z0-9][\w.-]{0,39}$/, 'must be 1 to 40 of A-Z a-z 0-9 _ . -').describe(
      'as the audit log shows it',
    ),
    role: z.enum(ROLES),
    telescopes: z
      .array(TelescopeId)
      .max(100)
      .optional()
      .describe('For these alone; all that the key is for when left out'),
  })
  .meta({ id: 'OperatorRequest' });

const Passkey = z.object({
  id: z.string(),
  label: z.string(),
  created_at: Instant,
  last_used_at: Instant.nullable(),
});
const OperatorSession = z.object({
  id: z.string(),
  created_at: Instant,
  expires_at: Instant,
  is_this: z.boolean().describe('the session that asks'),
});
export const Operator = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    telescopes: z.array(z.string()).describe('For these alone; empty for all'),
    created_at: Instant,
    expires_at: Instant.nullable(),
    ended_at: Instant.nullable(),
    invited_until: Instant.nullable().describe('an invitation waits until then'),
    is_me: z.boolean(),
    passkeys: z.array(Passkey),
    sessions: z.array(OperatorSession),
  })
  .meta({ id: 'Operator' });
export type Operator = z.infer<typeof Operator>;

export const Invitation = z
  .object({
    operator_id: z.string(),
    url: z.string().describe('Opens the page that makes the passkey; good once, shown this once'),
    expires_at: Instant,
  })
  .meta({ id: 'OperatorInvitation' });

/** Texts of an authenticator are base64url (WebAuthn Level 3, 5.1.9). A credential id has at most 1,023 bytes. */
const encoded = (max: number) => patterned(max, /^[\w-]*$/, 'must be base64url');
const credential = {
  id: encoded(1_364),
  rawId: encoded(1_364),
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  clientExtensionResults: z.looseObject({}).default({}),
};
/** `RegistrationResponseJSON` of WebAuthn. */
export const NewPasskey = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: encoded(8_000),
      attestationObject: encoded(60_000),
      transports: z.array(z.string().max(20)).max(8).default([]),
    }),
  })
  .meta({ id: 'NewPasskey' });
/** `AuthenticationResponseJSON` of WebAuthn. */
export const PasskeyAnswer = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: encoded(8_000),
      authenticatorData: encoded(8_000),
      signature: encoded(16_000),
      userHandle: encoded(200).optional(),
    }),
  })
  .meta({ id: 'PasskeyAnswer' });
