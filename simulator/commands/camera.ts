import { ActionError } from '../context.ts';
import { truthy } from '../wire/lines.ts';
import {
  action,
  change,
  frameOf,
  numeric,
  query,
  text,
  type Command,
  type CommandContext,
  type Params,
} from './command.ts';

async function expose(context: CommandContext, params: Params, signal: AbortSignal): Promise<Params> {
  const filter = numeric(params, 'FilterIndex', context.state.filterIndex);
  if (filter >= 0 && filter < context.options.filters.length) context.state.filterIndex = filter;
  const name = text(params.FitFileName).replace(/^.*[\\/]/, '');
  const exposed = await context.camera.expose(
    {
      type: numeric(params, 'ExpoType', 0),
      voyType: 'TEST',
      target: 'Test',
      exposure: numeric(params, 'Expo'),
      bin: numeric(params, 'Bin', 1),
      gain: Math.max(0, numeric(params, 'Gain', 0)),
      offset: Math.max(0, numeric(params, 'Offset', 0)),
      folders: ['Test'],
      cards: [],
      handOut: false,
      ...(name ? { name } : {}),
    },
    signal,
  );
  return { DownloadAndSaveTime: Math.round(exposed.downloadSeconds * 1000) / 1000 };
}

/** Camera, filter wheel and flat panel. */
export const CAMERA: Readonly<Record<string, Command>> = {
  RemoteGetFilterConfiguration: query((c) => {
    const out: Params = { FilterNum: c.options.filters.length };
    c.options.filters.forEach((name, i) =>
      Object.assign(out, {
        [`Filter${i + 1}_Name`]: name,
        [`Filter${i + 1}_MagMin`]: 4,
        [`Filter${i + 1}_MagMax`]: 6,
        [`Filter${i + 1}_Offset`]: i * 5,
      }),
    );
    return out;
  }),
  RemoteFilterGetActual: query((c) => ({ FilterIndex: c.state.filterIndex })),
  RemoteFilterChangeTo: action(24, 'filter.change', async (c, params, signal) => {
    const index = numeric(params, 'FilterIndex');
    if (index < 0 || index >= c.options.filters.length) throw new ActionError('Filter Index not valid');
    await c.wait(c.options.overheads.filter_change, signal);
    c.state.filterIndex = index;
    return {};
  }),
  RemoteGetReadoutConfiguration: query(() => ({ ReadoutNum: 1, Readout1_Name: 'Normal', Readout1_Index: 0 })),
  RemoteGetSpeedConfiguration: query(() => ({ SpeedNum: 1, Speed1_Name: 'Default', Speed1_Index: 0 })),
  RemoteGetCCDConfiguration: query((c) => ({
    IsBayerCamera: c.options.camera.bayer,
    HaveGainCapability: true,
    HaveOffsetCapability: true,
  })),
  RemoteGetCCDTemperature: query((c) => ({ CCDTemp: Math.round(c.cooler.temperature() * 10) / 10 })),
  RemoteGetCCDSizeInfo: query((c) => ({ DX: c.options.camera.width, DY: c.options.camera.height, PixelSize: 3.76 })),
  RemoteGetCCDSizeInfoEx: query((c) => ({
    DX: c.options.camera.width,
    DY: c.options.camera.height,
    PixelSize: 3.76,
    PA: 0,
    Focallen: 800,
  })),
  RemoteCameraShot: action(18, 'camera.exposure', expose),
  RemoteCooling: change(19, (c, params) => {
    if (c.cooler.error) throw new ActionError('Camera Error');
    const before = JSON.stringify(c.cooler.status());
    if (truthy(params.IsSetPoint) || truthy(params.IsCoolDown))
      c.cooler.set({ setPoint: numeric(params, 'Temperature', -10), cooling: true });
    else if (truthy(params.IsWarmup)) c.cooler.set({ cooling: false, warming: true });
    else if (truthy(params.IsCoolerOFF)) c.cooler.set({ cooling: false });
    return {
      effect:
        JSON.stringify(c.cooler.status()) === before
          ? null
          : { effect: truthy(params.IsWarmup) ? 'camera.warmup' : 'camera.cooling', key: null },
    };
  }),
  RemoteFlat: action(23, 'camera.flat', async (c, _, signal) => {
    await c.camera.expose(frameOf('TEST', 'Flat', 3, 1, ['Flat']), signal);
    return {};
  }),
  RemoteFlatDeviceCMD: change(null, (_, params) => ({
    effect: {
      effect: `flatdevice.${['', 'open', 'close', 'light_on', 'light_off', 'brightness'][numeric(params, 'CommandType')] ?? 'unknown'}`,
      key: null,
    },
  })),
};
