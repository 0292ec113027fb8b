import type { CommandContext } from './commands/command.ts';
import type { Emergency } from './emergency.ts';
import type { FaultKind, FaultStep } from './faults.ts';
import { addTarget, takeOver } from './owner.ts';
import type { Port } from './port.ts';
import { quietly } from './timers.ts';
import type { Voyager } from './voyager.ts';
import type { Client } from './wire/client.ts';

/** What a fault can hit. */
export interface Scene {
  context: CommandContext;
  voyager: Voyager;
  emergency: Emergency;
  port: Port;
}
type StepOf<Kind extends FaultKind> = Extract<FaultStep, { kind: Kind }>;
type Strike<Kind extends FaultKind> = (scene: Scene, step: StepOf<Kind>) => void;

/** A line of which one byte is not UTF-8: a degree sign in Latin-1. */
const LATIN_LINE = Buffer.concat([
  Buffer.from('{"Event":"LogEvent","Timestamp":1,"Host":"H","Inst":1,"TimeInfo":1,"Type":2,"Text":"47'),
  Buffer.from([0xb0]),
  Buffer.from(' 20"}\r\n'),
]);

type Lasting = FaultStep & { for_seconds?: number | undefined };
/** Something happens to every client that is connected now, and ends for those with the step. */
const onClients =
  <Step extends Lasting>(hit: (client: Client, step: Step) => void, undo?: (client: Client) => void) =>
  ({ context, voyager }: Scene, step: Step): void => {
    const clients = [...voyager.clients];
    for (const client of clients) hit(client, step);
    if (undo) context.faults.lasting(step, () => clients.forEach(undo));
  };
/** The sky has these values for as long as the step lasts. */
const sky =
  <Step extends Lasting>(valuesOf: (step: Step) => Record<string, number | boolean | null>) =>
  ({ context: { weather, faults } }: Scene, step: Step): void => {
    const values = valuesOf(step);
    weather.set(values);
    faults.lasting(step, () => weather.set(Object.fromEntries(Object.keys(values).map((name) => [name, null]))));
  };
/** A state that begins, is told in Voyager's log, and ends with the step. */
const trouble =
  (set: (context: CommandContext, on: boolean) => void, type: number, text: string) =>
  ({ context }: Scene, step: Lasting): void => {
    set(context, true);
    context.logEvent(type, text);
    context.faults.lasting(step, () => set(context, false));
  };
const login =
  (refused: boolean, never: boolean) =>
  ({ context, voyager }: Scene, step: Lasting): void => {
    voyager.setAuth(refused, never);
    context.faults.lasting(step, () => voyager.setAuth(false, false));
  };

/** What each kind of fault does. Those that hit n messages, answers or frames stay armed in the engine and are taken where they strike. */
const STRIKES: { [Kind in FaultKind]?: Strike<Kind> } = {
  drop: onClients((client) => client.close('fault: drop')),
  drop_after_bytes: onClients((client, step: StepOf<'drop_after_bytes'>) => (client.dropAfterBytes = step.bytes)),
  half_open: onClients(
    (client) => (client.halfOpen = true),
    (client) => (client.halfOpen = false),
  ),
  no_polling: onClients(
    (client) => (client.noPolling = true),
    (client) => (client.noPolling = false),
  ),
  slow_drip: onClients(
    (client, step: StepOf<'slow_drip'>) => (client.dripBytesPerSecond = step.bytes_per_second),
    (client) => (client.dripBytesPerSecond = null),
  ),
  garbage_line: onClients((client, step: StepOf<'garbage_line'>) => client.sendText(step.text)),
  invalid_utf8: onClients((client) => client.sendBytes(LATIN_LINE)),
  unknown_event: ({ voyager }, step) => voyager.emit(step.name, { Something: 1 }),
  refuse_connections: ({ context, port }, step) => {
    port.refusing = true;
    context.faults.lasting(step, () => (port.refusing = false));
  },
  auth_refused: login(true, false),
  auth_never: login(false, true),
  shutdown: ({ port }, step) => quietly(port.restart(step.for_seconds, true)),
  restart: ({ port }, step) => quietly(port.restart(step.for_seconds, false, step.robotarget_running)),
  clock_skew: ({ context }, step) => {
    context.state.clockSkewMs = step.seconds * 1000;
    context.faults.lasting(step, () => (context.state.clockSkewMs = 0));
  },
  profile_changed: ({ context, voyager }, step) => {
    context.state.profile = step.profile;
    voyager.emit('ProfileChanged', { NewProfile: step.profile });
  },
  unsafe: sky(() => ({ safe: false })),
  rain: sky(() => ({ rain_rate: 2.5, cloud_percent: 98, humidity_percent: 97 })),
  cloud: sky((step: StepOf<'cloud'>) => ({ cloud_percent: step.percent })),
  wind: sky((step: StepOf<'wind'>) => ({ wind_meters_per_second: step.meters_per_second })),
  weather: sky((step: StepOf<'weather'>) => step.values),
  safety_monitor_gone: sky(() => ({ safety_monitor_connected: false })),
  weather_station_gone: sky(() => ({ weather_station_connected: false })),
  alpaca_down: sky(() => ({ alpaca_up: false })),
  emergency_exit: ({ context, emergency }, step) => {
    emergency.exitForced = true;
    emergency.begin('exit', 'User');
    context.faults.lasting(step, () => (emergency.exitForced = false));
  },
  camera_error: trouble(({ cooler }, on) => (cooler.error = on), 4, 'ERROR (FINISHED) Camera : Camera Error'),
  mount_error: trouble(({ mount }, on) => (mount.error = on), 4, 'ERROR (FINISHED) Mount : Mount Error'),
  guide_star_lost: trouble(({ guider }, on) => (guider.starLost = on), 3, 'Guide Star Lost'),
  foreign_target: ({ context }, step) => void addTarget(context, step),
  local_operator: ({ context }, step) => quietly(takeOver(context, step)),
};

/** Does what the step says, where it does something by itself. */
export function strike<Kind extends FaultKind>(scene: Scene, step: StepOf<Kind>): void {
  scene.context.log.effect('fault', { ...step });
  const hit = STRIKES[step.kind];
  hit?.(scene, step);
}
