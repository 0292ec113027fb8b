export { session } from './session/workflow.ts';
export { finalise } from './finalise/workflow.ts';
export { telescopeCommand } from './command/workflow.ts';
export { backup, forecast, health, keepFrames, readBack, reconcile, retention } from './maintenance/workflow.ts';
export { lateFrames } from './finalise/late.ts';
