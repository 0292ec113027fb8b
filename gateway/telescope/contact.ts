import type { ConnectionState } from '../../domain/contracts/state.ts';
import { toError } from '../../platform/errors.ts';
import type { VoyagerLink } from '../connection/link.ts';
import { buildRequest } from '../protocol/requests.ts';
import type { Diary } from './diary.ts';
import type { Here } from './here.ts';
import type { Mirror } from './mirror.ts';
import type { ShotWatch } from './shot-watch.ts';
import type { Targets } from './targets.ts';
import type { WeatherWatch } from './weather-watch.ts';

interface ContactParts {
  link: VoyagerLink;
  mirror: Mirror;
  weather: WeatherWatch;
  targets: Targets;
  shots: ShotWatch;
  diary: Diary;
  /** Why the link was not begun yet; null once it was. */
  whyNotBegun: () => string | null;
  readBack: () => Promise<void>;
}

/** The connection to Voyager as the rest of the gateway sees it come and go. */
export class Contact {
  /** The profile that Voyager has loaded; null until it has said so. */
  profile: string | null = null;
  private since: number;
  private wasLost = false;

  constructor(
    private readonly here: Here,
    private readonly parts: ContactParts,
  ) {
    this.since = here.clock.now();
  }

  state(): ConnectionState {
    const { link, whyNotBegun } = this.parts;
    const idle = link.idleMs();
    const { host, port, instance } = this.here.telescope();
    return {
      connected: this.here.ready(),
      state: link.state,
      since: new Date(this.since).toISOString(),
      host,
      port,
      instance,
      voyager_version: link.voyagerVersion,
      last_message_age_seconds: idle === null ? null : Math.round(idle / 100) / 10,
      clock_offset_seconds: link.clockOffsetSeconds(),
      reconnects: link.reconnects,
      reason: this.here.ready() ? null : (whyNotBegun() ?? link.reason),
    };
  }

  onLink(ready: boolean, state: string, reason: string | null): void {
    const { weather, diary, mirror, targets } = this.parts;
    this.since = this.here.clock.now();
    weather.voyagerLink(ready);
    diary.note('link', `${state}${reason ? `: ${reason}` : ''}`);
    mirror.touch();
    if (!ready) {
      if (state === 'waiting' && !this.wasLost) {
        this.wasLost = true;
        diary.tellSessions('link_lost', reason ?? undefined);
      }
      return;
    }
    mirror.reset();
    targets.forget();
    if (this.wasLost) diary.tellSessions('link_ready');
    this.wasLost = false;
    this.onReady().catch((thrown: unknown) =>
      this.here.logger.warn({ telescope: this.here.id, err: toError(thrown).message }, 'after connecting'),
    );
  }
  /** Nothing is remembered for a connection: profile, lists and missed frames are read again. */
  private async onReady(): Promise<void> {
    const { link, mirror, targets, shots, readBack } = this.parts;
    const environment = await link.request(buildRequest('RemoteGetEnvironmentData', {}, { timeoutMs: 10_000 }));
    if (environment.outcome === 'done' && typeof environment.paramRet.Profile === 'string') {
      this.profile = environment.paramRet.Profile;
      mirror.touch();
    }
    await targets.list();
    await readBack();
    await shots.readAll();
  }
}
