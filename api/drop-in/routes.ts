import { dropInAbort, dropInToggle, pauseAndResume } from './controls.ts';
import { connectionStatus, currentSequence, dashboardState } from './dashboard.ts';
import { cameraPreview, liveHistory, livePreview } from './preview.ts';
import { routes } from '../operation.ts';

export const dropInRoutes = routes(
  dashboardState,
  dropInAbort,
  dropInToggle,
  cameraPreview,
  connectionStatus,
  currentSequence,
  pauseAndResume,
  livePreview,
  liveHistory,
);
