import type { Camera } from '../camera/camera.ts';
import type { ExposureRequest } from '../camera/exposure.ts';
import { ActionError, type Context } from '../context.ts';
import type { RoboTarget } from '../robotarget/runner.ts';

/** What the commands of section 5 work on. */
export interface CommandContext extends Context {
  readonly camera: Camera;
  readonly roboTarget: RoboTarget;
}
export type Params = Record<string, unknown>;
/** What a command moved or changed, for the log of effects; null = nothing. */
export interface Effect {
  effect: string;
  key: string | null;
}
export type Query = { kind: 'query'; run(context: CommandContext, params: Params): Params };
/** A change that takes no time: reply, the Signal of its start where it has one, result. */
export type Change = {
  kind: 'change';
  signal: number | null;
  run(context: CommandContext, params: Params): { paramRet?: Params; effect: Effect | null };
};
/** Something that moves or lasts: reply, Signal at start, Signal 2 at the end, result. One at a time. */
export type Action = {
  kind: 'action';
  signal: number | null;
  effect(params: Params): string;
  run(context: CommandContext, params: Params, signal: AbortSignal): Promise<Params>;
};
export type Command = Query | Change | Action;

/** @throws ActionError naming the parameter. */
export function numeric(params: Params, name: string, otherwise?: number): number {
  const value = params[name] ?? otherwise;
  const given = typeof value === 'string' ? Number(value.replace(',', '.')) : value;
  if (typeof given !== 'number' || !Number.isFinite(given)) throw new ActionError(`Parameter ${name} not valid`);
  return given;
}
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const query = (run: Query['run']): Query => ({ kind: 'query', run });
export const change = (signal: number | null, run: Change['run']): Change => ({ kind: 'change', signal, run });
export const action = (signal: number | null, effect: string | Action['effect'], run: Action['run']): Action => ({
  kind: 'action',
  signal,
  effect: typeof effect === 'string' ? () => effect : effect,
  run,
});
export const list = (items: unknown[]): Params => ({ list: items });

export const VOYAGER_STATUS = ['STOPPED', 'IDLE', 'RUN', 'ERRORE', 'UNDEFINED', 'WARNING'] as const;
/** VOYSTAT as it follows from what goes on. */
export function voyagerStatus(context: CommandContext, actionRunning: boolean): number {
  if (context.cooler.error || context.mount.error) return 3;
  if (context.state.emergency) return 5;
  if (
    actionRunning ||
    context.roboTarget.run !== null ||
    context.roboTarget.dragScript !== null ||
    context.state.operator
  )
    return 2;
  return 1;
}

/** A frame of the owner's, with nothing special. */
export const frameOf = (
  voyType: ExposureRequest['voyType'],
  target: string,
  type: number,
  exposure: number,
  folders: string[],
): ExposureRequest => ({
  type,
  voyType,
  target,
  exposure,
  bin: 1,
  gain: 0,
  offset: 0,
  folders,
  cards: [],
  handOut: false,
});

/** The file's name without its folder; null where none is given. */
export const readableName = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.replace(/^.*[\\/]/, '') : null;
