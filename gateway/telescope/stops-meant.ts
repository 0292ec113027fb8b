import { randomUUID } from 'node:crypto';
import type { GatewayAbort } from '../../domain/contracts/control.ts';
import type { Grants } from './grants.ts';
import type { Latch } from './latches.ts';

type Known = Pick<Grants, 'find' | 'ofSet' | 'ofTarget' | 'active'>;
type Stop = Pick<Latch, 'commandId' | 'bookingId' | 'targetGuids' | 'setGuids'>;

/**
 * What an abort stops: one latch for each booking, so that each session sees its own and takes it over. Without a name it is everything that
 * this service has started; the latches then get names of their own, since the key of one night's abort is not that of the next.
 */
export function stopsMeantBy(request: GatewayAbort, grants: Known, nowMs: number): Stop[] {
  const commandId = request.command_id ?? randomUUID();
  const { booking_id: bookingId, target_guid: target, set_guid: set } = request;
  const setGuids = set ? [set] : [];
  if (target)
    return [
      {
        commandId,
        bookingId: bookingId ?? grants.ofTarget(target)?.bookingId ?? null,
        targetGuids: [target],
        setGuids,
      },
    ];
  if (bookingId || set) {
    const grant = bookingId ? grants.find(bookingId) : grants.ofSet(set!);
    const targetGuids = grant?.targetGuid && grant.state === 'active' ? [grant.targetGuid] : [];
    return [{ commandId, bookingId: bookingId ?? grant?.bookingId ?? null, targetGuids, setGuids }];
  }
  return grants
    .active()
    .filter((grant) => grant.targetGuid !== null && Date.parse(grant.start) <= nowMs)
    .map((grant) => ({
      commandId: `${commandId}/${grant.bookingId}`,
      bookingId: grant.bookingId,
      targetGuids: [grant.targetGuid!],
      setGuids: [],
    }));
}
