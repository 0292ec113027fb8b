import type { Clock } from '../platform/clock.ts';
import type { EffectLog } from './effects.ts';
import type { FaultEngine } from './faults.ts';
import type { ObservatoryOptions } from './options.ts';
import type { Random } from './random.ts';
import type { RoboTargetStore } from './robotarget/store.ts';
import type { Cooler, Focuser, Guider, Mount, Roof } from './world/devices.ts';
import type { Weather } from './world/weather.ts';

/** Who hears an event: everybody, dashboard clients, dashboard and Donuts clients. Log events go by {@link Context.logEvent}. */
export type Audience = 'all' | 'dashboard' | 'control';

/** What a running exposure looks like to ShotRunning. */
export interface ShotState {
  file: string;
  expo: number;
  startedAt: number;
  /** 0 IDLE, 1 EXPOSE, 2 DOWNLOAD, 3 WAIT_JPG, 4 ERRORE. */
  status: 0 | 1 | 2 | 3 | 4;
}
/** Everything about this Voyager that is neither a device nor RoboTarget. */
export interface VoyagerState {
  profile: string;
  setupConnected: boolean;
  filterIndex: number;
  emergency: 'suspend' | 'exit' | null;
  operator: boolean;
  /** File of a sequence that RoboTarget did not start. */
  sequence: string | null;
  shot: ShotState | null;
  lastFocus: { at: number; hfd: number } | null;
  clockSkewMs: number;
}

/** What the parts of the simulator share. */
export interface Context {
  readonly options: ObservatoryOptions;
  readonly clock: Clock;
  readonly log: EffectLog;
  readonly store: RoboTargetStore;
  readonly faults: FaultEngine;
  readonly weather: Weather;
  readonly mount: Mount;
  readonly cooler: Cooler;
  readonly focuser: Focuser;
  readonly guider: Guider;
  readonly roof: Roof;
  readonly state: VoyagerState;
  readonly random: Random;
  now(): number;
  /** What Voyager's PC believes: skew included. */
  pcNow(): number;
  emit(event: string, fields?: Record<string, unknown>, to?: Audience): void;
  /** 1 DEBUG, 2 INFO, 3 WARNING, 4 CRITICAL, 5 TITLE, 6 SUBTITLE, 7 EVENT, 8 REQUEST, 9 EMERGENCY, 10 ROBOTARGET. */
  logEvent(type: number, text: string): void;
  signal(code: number): void;
  /** @throws Aborted when the signal fires first. */
  wait(seconds: number, signal?: AbortSignal): Promise<void>;
  /** Runs on the simulator's clock after that time unless the instance stops first. */
  later(seconds: number, fn: () => void): void;
}

/** An action that was stopped; `reason` says by what. */
export class Aborted extends Error {
  override name = 'Aborted';
  readonly reason: string;
  constructor(reason: string) {
    super(`aborted: ${reason}`);
    this.reason = reason;
  }
}
/** An action that failed by itself; ends as ActionResultInt `code` with its text as Motivo. */
export class ActionError extends Error {
  override name = 'ActionError';
  readonly code: number;
  constructor(message: string, code = 5) {
    super(message);
    this.code = code;
  }
}
export const abortReason = (signal: AbortSignal): string =>
  typeof signal.reason === 'string' ? signal.reason : 'abort';
