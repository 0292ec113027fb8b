import { randomUUID } from 'node:crypto';
import type { Transaction } from '../../platform/database.ts';
import type { Deps } from '../deps.ts';

/** What was done to an operator’s access, and by whom. @param data ids and names, never a code or a key */
export async function audited(
  deps: Deps,
  tx: Transaction,
  { name: actor }: { name: string },
  action: `operator.${string}`,
  data: object,
): Promise<void> {
  await tx.audit.create({ data: { id: randomUUID(), at: new Date(deps.now()), actor, action, data } });
}
