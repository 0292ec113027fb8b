import { voyagerStatus, type CommandContext } from './commands/command.ts';
import type { Voyager } from './voyager.ts';

/** The observatory as `GET /state` beside the wire shows it. */
export function lookAt(
  context: CommandContext,
  voyager: Voyager,
  ports: { port: number; alpaca_port: number | null },
): Record<string, unknown> {
  const { roboTarget, store, weather, mount, log } = context;
  return {
    ok: true,
    ...ports,
    now: new Date(context.now()).toISOString(),
    site: context.options.site,
    clients: [...voyager.clients].map(({ number, authenticated, dashboard }) => ({
      number,
      authenticated,
      dashboard,
    })),
    voyager_status: voyagerStatus(context, voyager.actionRunning),
    robotarget: {
      dragscript: roboTarget.dragScript,
      suspended: roboTarget.suspended,
      target: roboTarget.run?.target.GuidTarget ?? null,
    },
    targets: store.targets().map(({ row }) => ({
      guid: row.GuidTarget,
      name: row.TargetName,
      enabled: row.Status === 0,
      statusop: roboTarget.statusOp(row),
      obstacle: roboTarget.obstacle(row),
    })),
    emergency: context.state.emergency,
    roof: context.roof.shutter,
    mount: { parked: mount.parked, tracking: mount.tracking, slewing: mount.slewing },
    weather: { ...weather.conditions(), ...weather.categories(), safe: weather.safe },
    shots_done: store.done().length,
    commands: log.entries.filter((e) => e.kind === 'command').length,
    repeated_with_effect: log.entries.filter((e) => e.repeated_effect).length,
  };
}
