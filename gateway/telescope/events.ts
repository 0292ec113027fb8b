import type { TelescopeState } from '../../domain/contracts/state.ts';
import { toError } from '../../platform/errors.ts';
import type { VoyagerLink } from '../connection/link.ts';
import type { ControlData, EventData, EventName, VoyagerEvent } from '../protocol/events.ts';
import type { CommandLog } from './command-log.ts';
import type { Contact } from './contact.ts';
import type { Diary } from './diary.ts';
import type { EmergencyWatch } from './emergency.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import { type Mirror, voyagerReading } from './mirror.ts';
import type { Publisher } from './publisher.ts';
import type { SessionSignals } from './session-signals.ts';
import type { ShotWatch } from './shot-watch.ts';
import { sameGuid, type Targets } from './targets.ts';
import type { WeatherWatch } from './weather-watch.ts';

/** Voyager's suspend aborts the exposure under way within seconds. */
const RESUMED_AFTER_MS = 120_000;

interface EventParts {
  link: VoyagerLink;
  mirror: Mirror;
  weather: WeatherWatch;
  emergency: EmergencyWatch;
  shots: ShotWatch;
  publisher: Publisher;
  diary: Diary;
  contact: Contact;
  grants: Grants;
  targets: Targets;
  signals: SessionSignals;
  commands: CommandLog;
  state: () => TelescopeState;
  onEmergencyOver: () => void;
}
interface Moment {
  hearing: Hearing;
  nowMs: number;
  /** What the mirror showed before this event. */
  before: ControlData | null;
}

/** What each event of Voyager means to us. An event that is not here only moves the mirror. */
const MEANING: { [N in EventName]?: (parts: EventParts, data: EventData<N>, moment: Moment) => void } = {
  ControlData: (_, data, { hearing, before }) => hearing.compare(before, data),
  WeatherAndSafetyMonitorData: ({ weather }, data, { nowMs }) => weather.take(voyagerReading(data, nowMs)),
  NewFITReady: ({ diary, shots }, data) => {
    if (!data.File) return;
    diary.write('frame', {
      file: data.File,
      type: data.Type ?? 0,
      voy_type: data.VoyType,
      seq_target: data.SeqTarget,
    });
    if (data.Type === 0 || data.Type === null) shots.onFrame(data.File);
  },
  NewJPGReady: ({ diary, mirror, publisher, grants }, data) => {
    if (!data.File) return;
    diary.write('jpg', {
      file: data.File,
      hfd: data.HFD,
      star_index: data.StarIndex,
      filter: data.Filter,
      exposure_seconds: data.Expo,
      binning: data.Bin,
    });
    if (data.Picture && mirror.preview) publisher.preview(mirror.preview.meta, mirror.rev, grants.currentBooking());
  },
  ShotRunning: ({ state, publisher, mirror, grants, diary }, data, { hearing, nowMs }) => {
    const { exposure } = state();
    if (exposure) publisher.progress(exposure, mirror.rev, grants.currentBooking());
    if (data.StatusName === 'EXPOSE') hearing.exposureDespiteEmergency(nowMs);
    if (data.StatusName === 'ERRORE') diary.tellSessions('camera_error', data.File ?? undefined);
  },
  Signal: ({ diary }, data, { hearing }) => {
    if (data.Code === null) return;
    diary.write('signal', { code: data.Code, name: data.CodeName });
    // UNDEFINED is what a Voyager says that has just started: an emergency of the one before it is nobody's any more.
    if (data.CodeName === 'UNDEFINED') hearing.endEmergency('a new start of Voyager');
  },
  LogEvent: (_, data, { hearing, nowMs }) => hearing.onLog(data.Type, data.Text, nowMs),
  ProfileChanged: ({ contact, diary }, data) => {
    contact.profile = data.NewProfile;
    diary.note('profile', data.NewProfile);
  },
  ShutDown: ({ diary }, _, { hearing }) => {
    diary.note('shutdown', null);
    hearing.endEmergency('Voyager’s end');
    diary.tellSessions('voyager_restarted');
  },
};

/** Hears Voyager's events: the mirror first, then what each of them means. */
export class Hearing {
  private foreignTold: string | null = null;
  constructor(
    private readonly here: Here,
    private readonly parts: EventParts,
  ) {}

  take(event: VoyagerEvent): void {
    const { mirror, link } = this.parts;
    const nowMs = this.here.clock.now();
    const { controlData: before, preview } = mirror;
    mirror.take(event, nowMs);
    if (preview && preview !== mirror.preview && preview.readers === 0) link.recycle(preview.jpeg);
    if (event.unknown) return;
    const meaning = MEANING[event.name] as ((parts: EventParts, data: unknown, moment: Moment) => void) | undefined;
    meaning?.(this.parts, event.data, { hearing: this, nowMs, before });
  }
  onLog(type: number | null, text: string, nowMs: number): void {
    const { diary, emergency, mirror, onEmergencyOver } = this.parts;
    if (type === null || !(type === 3 || type === 4 || type === 9)) return;
    diary.write('log', { type, text: text.slice(0, 1_000) });
    if (type !== 9) return;
    const change = emergency.logLine(text, nowMs);
    if (!change) return;
    mirror.touch();
    this.here.logger.warn(
      { telescope: this.here.id, text: text.slice(0, 300) },
      change === 'begun' ? 'Voyager’s emergency: nothing but reads is sent' : 'Voyager’s emergency is over',
    );
    diary.note(change === 'begun' ? 'emergency' : 'emergency_over', text.slice(0, 300));
    diary.tellSessions(change === 'begun' ? 'emergency_begun' : 'emergency_over', text);
    if (change === 'over') onEmergencyOver();
  }
  /** RESUME may have passed while the link was down: a Voyager that begins to expose long after SUSPEND has resumed. */
  exposureDespiteEmergency(nowMs: number): void {
    const { emergency } = this.parts;
    const { since } = emergency;
    if (emergency.current === 'suspend' && since !== null && nowMs - Date.parse(since) > RESUMED_AFTER_MS)
      this.endEmergency('an exposure of Voyager’s own');
  }
  /** Says that an emergency is over that nobody will resume (a person at the observatory knows). */
  endEmergency(by: string): boolean {
    const { diary, emergency, mirror, onEmergencyOver } = this.parts;
    if (!emergency.clear(`ended by ${by}`, this.here.clock.now())) return false;
    mirror.touch();
    this.here.logger.warn({ telescope: this.here.id, by }, 'Voyager’s emergency is over');
    diary.note('emergency_over', `ended by ${by}`);
    diary.tellSessions('emergency_over', `ended by ${by}`);
    onEmergencyOver();
    return true;
  }

  compare(before: ControlData | null, now: ControlData): void {
    const { diary, mirror } = this.parts;
    if (before?.VOYSTATName !== now.VOYSTATName) {
      diary.note('voyager_status', now.VOYSTATName);
      if (before && now.VOYSTATName === 'ERRORE') diary.tellSessions('voyager_error', mirror.lastError?.text);
    }
    if (before?.RUNDS !== now.RUNDS) diary.note('run_dragscript', now.RUNDS);
    if (before?.GUIDESTATName === 'RUNNING' && now.GUIDESTATName === 'TIMEOUT_SETTLE')
      diary.tellSessions('guiding_lost');
    if (before?.CCDCONN === true && now.CCDCONN === false)
      diary.tellSessions('camera_error', 'the camera is not connected any more');
    if (before?.RUNSEQ !== now.RUNSEQ) {
      diary.note('run_sequence', now.RUNSEQ);
      this.lookAtTargets().catch((thrown: unknown) =>
        this.here.logger.warn({ telescope: this.here.id, err: toError(thrown).message }, 'reading RoboTarget’s list'),
      );
    }
  }
  /** The running sequence changed: is our target done, or is somebody else's running in our slot? */
  private async lookAtTargets(): Promise<void> {
    const { grants, targets, signals, commands } = this.parts;
    const current = grants.current();
    if (current.length === 0 || !this.here.ready()) return;
    const list = await targets.list();
    if (!list.ok) return;
    const running = list.items.find((t) => t.statusOp === 'running');
    for (const grant of current) {
      const ours = list.items.find((t) => sameGuid(t.guid, grant.targetGuid));
      if (ours?.statusOp === 'finished') signals.event(grant.bookingId, 'target_finished');
      else if (ours && !ours.enabled && commands.lastOf(ours.guid)?.kind === 'enable')
        signals.event(grant.bookingId, 'local_operator', 'the target was disabled at the observatory');
      if (running && !sameGuid(running.guid, grant.targetGuid) && this.foreignTold !== running.guid) {
        this.foreignTold = running.guid;
        signals.event(grant.bookingId, 'foreign_target', running.name);
      }
    }
    if (!running) this.foreignTold = null;
  }
}
