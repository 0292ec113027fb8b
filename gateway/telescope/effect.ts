import { asText } from '../protocol/fields.ts';
import type { Classified } from '../protocol/requests.ts';
import type { Dialect } from '../robotarget/dialect.ts';
import { sameGuid } from './targets.ts';

/** What is known of RoboTarget's targets when a line is judged. */
export interface TargetKnowledge {
  /** The newest list, young enough to be believed; null while there is none. */
  list: readonly { guid: string; enabled: boolean }[] | null;
  /** Targets that were enabled through this gateway, perhaps after the list was read. */
  enabledSince: ReadonlySet<string>;
  /** The one target of a set that a session made; null for any other set. */
  targetOfSet(setGuid: string): string | null;
}

/** The target that an edit is about, by the body that it writes; null where it names none. */
export function targetOf(
  dialect: Dialect,
  { dialect: known }: Classified,
  params: Readonly<Record<string, unknown>>,
  knowledge: Pick<TargetKnowledge, 'targetOfSet'>,
): string | null {
  if (!known) return null;
  if (known.kind === 'target') return known.guid;
  if (known.kind === 'set') return known.guid === null ? null : knowledge.targetOfSet(known.guid);
  const wire =
    dialect.objects.shot.parent === null ? undefined : dialect.objects.shot.fields[dialect.objects.shot.parent];
  const guid = wire === undefined ? null : params[wire];
  return typeof guid === 'string' && guid.length > 0 ? guid : null;
}

/**
 * May this edit make something run that could not: a shot of an enabled target, or a set enabled around one? New sets and disabled objects stay
 * still; the unknown counts as enabled (docs/safety.md, 4).
 */
export function canMakeRunnable(
  dialect: Dialect,
  classified: Classified,
  params: Readonly<Record<string, unknown>>,
  knowledge: TargetKnowledge,
): boolean {
  const known = classified.dialect;
  if (!known) return false;
  const [kind, op] = known.command.split('.');
  if (op !== 'add' && op !== 'update') return false;
  if (kind === 'target' || (kind === 'set' && (op === 'add' || writtenDisabled(dialect, 'set', params)))) return false;
  const target = targetOf(dialect, classified, params, knowledge);
  if (target === null) return knowledge.list === null || anyEnabled(knowledge);
  return isEnabled(target, knowledge);
}

function writtenDisabled(dialect: Dialect, kind: 'set' | 'target', params: Readonly<Record<string, unknown>>): boolean {
  const wire = dialect.objects[kind].fields.Status;
  return wire !== undefined && asText(params[wire]) === String(dialect.status.disabled);
}
const anyEnabled = ({ list, enabledSince }: TargetKnowledge): boolean =>
  enabledSince.size > 0 || list!.some((target) => target.enabled);
const isEnabled = (guid: string, { list, enabledSince }: TargetKnowledge): boolean =>
  list === null ||
  enabledSince.has(guid.toLowerCase()) ||
  list.some((target) => target.enabled && sameGuid(target.guid, guid));
