import { ActionError } from '../context.ts';
import { action, change, list, query, text, VOYAGER_STATUS, voyagerStatus, type Command } from './command.ts';

const noViking = query(() => {
  throw new ActionError('Viking not present');
});

/** Status, profile and connection of the setup, and what hangs on the PC. */
export const SETUP: Readonly<Record<string, Command>> = {
  RemoteGetStatus: query((c) => ({ VoyagerStatus: VOYAGER_STATUS[voyagerStatus(c, false)] })),
  RemoteGetEnvironmentData: query((c) => ({
    Profile: c.state.profile,
    Camera: 'Simulated camera',
    FilterWheel: 'Simulated wheel',
    Mount: 'Simulated mount',
    Guide: 'Simulated guider',
    Planetarium: '',
    PlateSolve: 'Simulated solver',
    BlindSolve: '',
    Focuser: 'Simulated focuser',
    AutoFocus: 'RoboFire',
    Rotator: '',
    FlatDevice1: 'Simulated panel',
    FlatDevice2: '',
    Dome: 'Simulated roof',
    ObservingConditions: c.weather.stationConnected ? 'Simulated weather station' : '',
    SQM: '',
    SafetyMonitor: c.weather.safetyMonitorConnected ? 'Simulated safety monitor' : '',
  })),
  RemoteGetVoyagerProfiles: query((c) =>
    list(
      [...new Set([c.options.profile, c.state.profile, 'Lunar.v2y'])].map((name, i) => ({
        guid: `00000000-0000-4000-8000-00000000000${i + 1}`,
        name,
        isactive: name === c.state.profile,
      })),
    ),
  ),
  RemoteSetProfile: change(null, (c, params) => {
    c.state.profile = text(params.FileName);
    c.emit('ProfileChanged', { NewProfile: c.state.profile });
    return { effect: { effect: 'profile.changed', key: null } };
  }),
  RemoteSetupConnect: action(15, 'setup.connect', async (c, _, signal) => {
    await c.wait(c.options.overheads.setup_connect, signal);
    c.state.setupConnected = true;
    return {};
  }),
  RemoteSetupDisconnect: action(16, 'setup.disconnect', async (c, _, signal) => {
    await c.wait(0.5, signal);
    c.state.setupConnected = false;
    return {};
  }),
  RemoteCreateDir: change(27, () => ({ effect: null })),
  RemoteRunExternal: action(32, 'external.run', async (c, _, signal) => {
    await c.wait(0.3, signal);
    return {};
  }),
  RemoteSetVikingDataSend: noViking,
  RemoteVikingSetOut: noViking,
  RemoteVikingSetPWM: noViking,
  RemoteVikingSetDAC: noViking,
  RemoteVikingSetAutoma: noViking,
};
