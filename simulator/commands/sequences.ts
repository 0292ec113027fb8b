import { Aborted, ActionError, abortReason } from '../context.ts';
import { action, frameOf, list, query, readableName, type Command } from './command.ts';

/** Sequences and DragScripts of the owner. */
export const SEQUENCES: Readonly<Record<string, Command>> = {
  RemoteGetListAvalaibleSequence: query(() => list(['Base.s2q'])),
  RemoteGetListAvalaibleSequenceEx: query((c) =>
    list([{ name: 'Base', filename: 'Base.s2q', profilename: c.options.profile }]),
  ),
  RemoteGetListAvalaibleDragScript: query((c) => list([c.options.dragScript, 'Flats.vos'])),
  RemoteSequence: action(502, 'sequence.start', async (c, params, signal) => {
    const file = readableName(params.SequenceFile);
    if (file !== 'Base.s2q') throw new ActionError('Sequence File not found');
    c.state.sequence = file;
    try {
      for (let i = 0; i < 3; i++) await c.camera.expose(frameOf('SHOT', 'Base', 0, 2, ['Base']), signal);
    } finally {
      c.state.sequence = null;
    }
    return {};
  }),
  RemoteDragScriptSelfContained: action(502, 'robotarget.start', async (c, params, signal) => {
    c.roboTarget.start(readableName(params.DragScriptFile) ?? c.options.dragScript);
    try {
      await c.wait(1e6, signal);
    } catch (thrown) {
      await c.roboTarget.stop(abortReason(signal));
      throw thrown instanceof Aborted ? thrown : new ActionError(String(thrown));
    }
    return {};
  }),
};
