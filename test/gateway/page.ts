/** Names that the public protocol describes, so that no list of ours is compared with itself. */
const words = (text: string): string[] => text.split(/\s+/);

export const EVENTS =
  words(`Version Polling Signal NewFITReady NewJPGReady ShutDown RemoteActionResult ArrayElementData WeatherAndSafetyMonitorData ShotRunning LogEvent AutoFocusResult
      ProfileChanged VikingManaged VikingIOConfiguration AllStatus VikingDisconnected DonutsAbort DonutsCalibrationRequired DonutsRecenterRequired DonutsCalibrationStart
      DonutsCalibrationDone DonutsCalibrationError DonutsRecenterStart DonutsRecenterDone DonutsRecenterError ControlData`);

export const METHODS =
  words(`disconnect GetArrayElementData RemoteActionAbort RemoteActionAbortAll Abort RemoteCameraShot RemoteCooling RemoteCreateDir RemoteFilterChangeTo
      RemoteFilterGetActual RemoteGetFilterConfiguration RemoteGetReadoutConfiguration RemoteGetSpeedConfiguration RemoteGetCCDConfiguration RemoteGetCCDTemperature
      RemoteGetCCDSizeInfo RemoteGetCCDSizeInfoEx RemoteFlat RemoteFocusEx RemoteFocus RemoteFocusInject RemoteFocuserMoveTo RemoteFocuserOffset RemoteGetStatus
      RemoteRotatorMoveTo RemoteRotatorSync RemoteRunExternal RemoteSetupConnect RemoteSetupDisconnect RemoteSolveActualPosition RemoteSolveFITFile
      RemoteGetListAvalaibleSequence RemoteGetListAvalaibleSequenceEx RemoteGetListAvalaibleDragScript RemoteSequence RemoteDragScript RemoteDragScriptSelfContained
      RemotePrecisePointTarget RemotePrecisePointTargetAndPA RemoteGotoAltAz RemotePulseGuide RemoteMountFastCommand RemoteMountStatusGetInfo RemoteSearchTarget
      RemoteGetEnvironmentData RemoteGetVoyagerProfiles RemoteSetProfile RemoteRoboDataGetGeoDataCache RemoteFlatDeviceCMD RemoteSetVikingDataSend RemoteVikingSetOut
      RemoteVikingSetPWM RemoteVikingSetDAC RemoteVikingSetAutoma RemoteRoboClipGetTargetList RemoteRoboClipAddTarget RemoteRoboClipUpdateTarget RemoteRoboClipRemoveTarget
      RemoteRoboOrbitsGetAsteroids RemoteRoboOrbitsGetComets RemoteRoboOrbitsGetCometsLike RemoteSetDonutsMode RemoteSetDashboardMode RemoteSetLogEvent
      AuthenticateUserBase AuthenticateUserTicket RemoteOpenRoboTargetGetTargetList RemoteOpenRoboTargetGetShotDoneList RemoteOpenRoboTargetSetShotDoneRating
      RemoteOpenRoboTargetRemoveShotDone RemoteOpenRoboTargetRestoreShotDone RemoteOpenRoboTargetUpdateBulkShotDone RemoteOpenRoboTargetRemoveShotDoneByFileName
      RemoteOpenRoboTargetRestoreShotDoneByFileName RemoteOpenRoboTargetSetShotDoneRatingByFileName`);
