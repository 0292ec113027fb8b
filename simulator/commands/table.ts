import { CAMERA } from './camera.ts';
import { CATALOGUES } from './catalogues.ts';
import type { Command, CommandContext } from './command.ts';
import { FOCUSER } from './focuser.ts';
import { MOUNT } from './mount.ts';
import { SEQUENCES } from './sequences.ts';
import { SETUP } from './setup.ts';

/** The public remote commands of section 5, by wire name. Not here: those without UID or result (disconnect, Abort…), which the server answers itself. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ...SETUP,
  ...CAMERA,
  ...FOCUSER,
  ...MOUNT,
  ...SEQUENCES,
  ...CATALOGUES,
};

/** Commands that are refused in the reply itself (error code 1), with no result after it. */
export function refusal(context: CommandContext, method: string): string | null {
  if (method === 'RemoteSetProfile' && context.state.setupConnected) return 'Another Profile is actually connected';
  if (method === 'RemoteSetupConnect' && context.cooler.error) return 'could not connect all controls : Camera Error';
  return null;
}
