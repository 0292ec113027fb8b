/**
 * Time as the sandbox has it: the machine's own, moved on. Importing this file replaces `Date` in this process, so it stands first among the imports
 * of the command; the code of the product is the same as everywhere. What counts durations (`performance`, timers) goes on with the machine.
 */
const MachineDate = Date;
let shiftMs = 0;

const now = (): number => MachineDate.now() + shiftMs;

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, given: unknown[], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
  apply: () => new MachineDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});

export const clock = {
  /** Unix milliseconds of the machine. */
  machineMs: (): number => MachineDate.now(),
  /** How far the sandbox is ahead of the machine, in milliseconds. */
  get shiftMs(): number {
    return shiftMs;
  },
  /** Moves on to an instant, never back. @returns whether it moved */
  reach(ms: number): boolean {
    const shift = Math.round(ms - MachineDate.now());
    if (shift <= shiftMs) return false;
    shiftMs = shift;
    return true;
  },
};
