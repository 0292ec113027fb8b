import { z } from 'zod';
import { asText, type JsonObject, readBoolean, readNumber } from '../fields.ts';

/**
 * What a command can do (docs/safety.md, 4), in one word that the gate, the connection's queue and `npm run decode` read alike. `read` asks or switches
 * what a connection hears; `safe` stops, parks, closes or warms up and always passes; `edit` changes what Voyager or RoboTarget remember; `start`
 * may set something in motion, expose or cool; `script` starts a DragScript and may open a roof; `halt` stops everything, the mount too.
 */
export type CommandClass = 'read' | 'safe' | 'edit' | 'start' | 'script' | 'halt';

export interface CommandSpec<M extends string = string, P extends z.ZodObject = z.ZodObject> {
  method: M;
  /** Parameters beside UID and MAC. */
  params: P;
  /** `reply`: the jsonrpc answer is all; `result`: a RemoteActionResult under the request's UID follows. */
  answer: 'reply' | 'result';
  class: CommandClass | ((params: Readonly<JsonObject>) => CommandClass);
  /** Whether the line carries a UID of its own. */
  uid: boolean;
  /** Runs in Voyager's action queue, one at a time, unless `Parallelized`. */
  action: boolean;
  timeoutMs: number;
  /** What the open command's MAC covers after secret and UID: a parameter's name, or nothing. Undefined: no MAC. */
  mac?: string | null;
  /** Message when the result says OK and its payload says that it failed; null when it did not. */
  failure: (paramRet: Readonly<JsonObject>) => string | null;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
const READ_MS = 30 * SECOND;
/** List queries of a large database have been seen to take minutes. */
export const LIST_MS = 3 * MINUTE;
const never = (): null => null;
export const NONE = z.object({});

export type Options = Partial<Omit<CommandSpec, 'method' | 'params'>> & Pick<CommandSpec, 'class'>;
export const command = <const M extends string, P extends z.ZodObject>(
  method: M,
  params: P,
  options: Options,
): CommandSpec<M, P> => ({
  method,
  params,
  answer: 'result',
  uid: true,
  action: false,
  timeoutMs: READ_MS,
  failure: never,
  ...options,
});
export const read = <const M extends string, P extends z.ZodObject = typeof NONE>(
  method: M,
  params: P = NONE as unknown as P,
  timeoutMs = READ_MS,
): CommandSpec<M, P> => command(method, params, { class: 'read', timeoutMs });

export const int = z.number().int();
export const flag = z.boolean();
export const on = z.object({ IsOn: flag });
/** Value for "not set" in Gain and Offset of a shot. */
export const GAIN_NONE = -2_147_483_648;

export const retFailure = (paramRet: Readonly<JsonObject>): string | null => {
  const ret = paramRet.ret;
  return ret === undefined || ret === 'DONE' ? null : asText(ret);
};
export const solveFailure = (paramRet: Readonly<JsonObject>): string | null =>
  readBoolean(paramRet.IsSolved) === false ? `not solved: ${asText(paramRet.LastError)}` : null;
/** What an outcome's number means where it says that something failed. */
const failureBy =
  (field: string, messages: Record<number, (paramRet: Readonly<JsonObject>) => string>) =>
  (paramRet: Readonly<JsonObject>): string | null =>
    messages[readNumber(paramRet[field]) ?? -1]?.(paramRet) ?? null;
export const pointing = failureBy('ActionResult', {
  0: () => 'precise pointing failed',
  2: () => 'pointing ended out of range',
});
export const searchFailure = failureBy('Result', {
  0: () => 'target not found',
  2: ({ LastError }) => `search failed: ${asText(LastError)}`,
});
export const byCommandType =
  (classes: Record<number, CommandClass>) =>
  (params: Readonly<JsonObject>): CommandClass =>
    classes[readNumber(params.CommandType) ?? -1] ?? 'start';
