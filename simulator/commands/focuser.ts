import { ActionError } from '../context.ts';
import { truthy } from '../wire/lines.ts';
import { action, numeric, query, type Command } from './command.ts';

/** Focuser, and the rotator that is not there. */
export const FOCUSER: Readonly<Record<string, Command>> = {
  RemoteFocusEx: action(5, 'focuser.autofocus', async (c, _, signal) => {
    await c.roboTarget.steps.focus(signal);
    return {};
  }),
  RemoteFocus: action(5, 'focuser.autofocus', async (c, _, signal) => {
    await c.roboTarget.steps.focus(signal);
    return {};
  }),
  RemoteFocusInject: query((c) => {
    if (!c.roboTarget.run)
      throw new ActionError('Cannot inject focus no Sequence running or Sequence not in the right status');
    return {};
  }),
  RemoteFocuserMoveTo: action(20, 'focuser.move', async (c, params, signal) => {
    await c.wait(0.5, signal);
    c.focuser.position = truthy(params.IsAbsoluteMove)
      ? numeric(params, 'NewPosition')
      : c.focuser.position + numeric(params, 'NewPosition') * (numeric(params, 'MoveDirection', 0) === 1 ? -1 : 1);
    return {};
  }),
  RemoteFocuserOffset: action(21, 'focuser.move', async (c, params, signal) => {
    await c.wait(0.3, signal);
    c.focuser.position += numeric(params, 'Offset');
    return {};
  }),
  RemoteRotatorMoveTo: query(() => {
    throw new ActionError('Rotator not connected');
  }),
  RemoteRotatorSync: query(() => {
    throw new ActionError('Rotator not connected');
  }),
};
