import { rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Aborted, ActionError, abortReason, type Context, type ShotState } from '../context.ts';
import { voyagerSeconds } from '../wire/lines.ts';
import type { Exposed, ExposureRequest } from './exposure.ts';
import { FrameFolders } from './folder.ts';
import { renderRequest, type Taken } from './header.ts';
import type { RenderResult } from './render.ts';
import { Renderer } from './renderer.ts';

/** An exposure under way: its frame is drawn meanwhile, or copied from `source`. */
interface UnderWay extends Taken {
  shot: ShotState;
  source: string | null;
  path: string;
  windowsPath: string;
  temporary: string;
  drawing: Promise<RenderResult | null>;
}

/** Camera, filter wheel and the part of Voyager that writes frames and tells of them. */
export class Camera {
  private readonly context: Context;
  private readonly renderer = new Renderer();
  private readonly folders: FrameFolders;
  private frame = 0;

  constructor(context: Context) {
    this.context = context;
    this.folders = new FrameFolders(context);
  }

  /** A short exposure of Voyager's own for plate solving, and the time that solving takes; no file is handed out. */
  async solve(target: string, signal: AbortSignal): Promise<void> {
    const { options } = this.context;
    const exposure = options.overheads.sync_exposure;
    const request = { type: 0, voyType: 'SYNC', target, exposure, bin: 2, gain: 0, offset: 0 } as const;
    await this.expose({ ...request, folders: ['Sync'], cards: [], handOut: false }, signal);
    await this.context.wait(options.overheads.solve, signal);
  }
  /** One exposure from opening the shutter to the file on disk and its events. */
  async expose(request: ExposureRequest, signal: AbortSignal): Promise<Exposed> {
    const { context } = this;
    if (context.cooler.error || !context.cooler.connected) throw new ActionError('Camera Error');
    const taken = this.begin(request);
    const { shot } = taken;
    const ticking = new AbortController();
    this.shotRunning();
    void this.tickEverySecond(ticking.signal);
    try {
      await this.shutterOpen(shot, signal);
      shot.status = 2;
      this.shotRunning();
      const [exposed, drawn] = await this.download(taken, signal);
      this.fileReady(taken, exposed);
      shot.status = 3;
      this.shotRunning();
      context.later(context.random.between(0.03, 0.12), () => {
        this.jpegReady(taken, exposed, drawn);
        if (context.state.shot !== shot) return;
        shot.status = 0;
        this.shotRunning();
        context.state.shot = null;
      });
      return exposed;
    } catch (thrown) {
      throw this.givenUp(taken, thrown);
    } finally {
      ticking.abort();
    }
  }

  private begin(request: ExposureRequest): UnderWay {
    const { context, folders } = this;
    const { options, state } = context;
    const startedAt = context.now();
    const filter = options.filters[state.filterIndex] ?? 'NONE';
    const source = request.handOut && options.fitsDir && request.type === 0 ? folders.nextHandOut() : null;
    const path = folders.newPath(request, source, filter, startedAt);
    const windowsPath = folders.toWindows(path);
    const temporary = folders.newTemporary();
    const taken: Taken = { context, request, filter, startedAt };
    const drawing = source ? this.copy(source, temporary) : this.draw(taken, temporary);
    drawing.catch(() => {});
    const shot: ShotState = { file: basename(path), expo: request.exposure, startedAt, status: 1 };
    state.shot = shot;
    context.log.effect('exposure.start', {
      file: windowsPath,
      target: request.target,
      exposure: request.exposure,
      voy_type: request.voyType,
    });
    return { ...taken, shot, source, path, windowsPath, temporary, drawing };
  }
  private draw(taken: Taken, temporary: string): Promise<RenderResult> {
    const { options, store } = this.context;
    const seed = `${options.seed}/${store.next()}/${++this.frame}`;
    return this.renderer.render(renderRequest(taken, temporary, { seed, fwhmArcsec: this.fwhmArcsec() }));
  }
  /** @throws Aborted by the signal, or with `camera_error` when the camera fails meanwhile */
  private async shutterOpen(shot: ShotState, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const camera = new AbortController();
    const forward = (): void => camera.abort(abortReason(signal));
    signal.addEventListener('abort', forward, { once: true });
    const watch = (): void => {
      if (context.cooler.error) camera.abort('camera_error');
      else if (!camera.signal.aborted && context.state.shot === shot) context.later(0.5, watch);
    };
    watch();
    if (signal.aborted) throw new Aborted(abortReason(signal));
    try {
      await context.wait(shot.expo, camera.signal);
    } finally {
      signal.removeEventListener('abort', forward);
    }
  }
  /** Reads the frame out and brings its file to its place. */
  private async download(taken: UnderWay, signal: AbortSignal): Promise<[Exposed, RenderResult | null]> {
    const { context } = this;
    const from = context.now();
    await context.wait(context.options.overheads.download * context.random.between(0.9, 1.1), signal);
    const drawn = await taken.drawing.catch((thrown: unknown) => {
      throw new ActionError(`Camera Error : ${(thrown as Error).message}`);
    });
    this.folders.place(taken.temporary, taken.path);
    const exposed: Exposed = {
      windowsPath: taken.windowsPath,
      filename: taken.shot.file,
      hfd: this.hfdOf(taken, drawn),
      starIndex: drawn ? Math.round((4 + 2.5 * Math.log10(1 + drawn.stars)) * 100) / 100 : 0,
      min: drawn?.min ?? 0,
      max: drawn?.max ?? 0,
      mean: drawn?.mean ?? 0,
      downloadSeconds: (context.now() - from) / 1000,
    };
    return [exposed, drawn];
  }
  /** A file that is handed out is not measured: it gets what a usual night would have. */
  private hfdOf({ source }: UnderWay, drawn: RenderResult | null): number {
    if (drawn && drawn.hfd > 0) return Math.round(drawn.hfd * 1000) / 1000;
    return source ? Math.round((2.8 + 0.3 * this.context.random.gaussian()) * 1000) / 1000 : 0;
  }
  private fileReady({ request }: UnderWay, { windowsPath }: Exposed): void {
    const { context } = this;
    context.log.effect('exposure.done', { file: windowsPath, target: request.target, voy_type: request.voyType });
    if (request.voyType !== 'SYNC' && context.faults.take('suppress_new_fit')) return;
    context.emit('NewFITReady', {
      File: windowsPath,
      Type: request.type,
      VoyType: request.voyType,
      SeqTarget: request.target,
    });
  }
  /** Ends an exposure that was stopped or has failed. @returns what to throw */
  private givenUp({ shot, windowsPath, request, drawing, temporary }: UnderWay, thrown: unknown): unknown {
    const { context } = this;
    const failed =
      thrown instanceof Aborted && thrown.reason === 'camera_error' ? new ActionError('Camera Error') : thrown;
    shot.status = failed instanceof Aborted ? 0 : 4;
    this.shotRunning();
    context.state.shot = null;
    context.log.effect('exposure.aborted', {
      file: windowsPath,
      target: request.target,
      reason: failed instanceof Aborted ? failed.reason : (failed as Error).message,
    });
    void drawing.then(
      () => rmSync(temporary, { force: true }),
      () => {},
    );
    return failed;
  }

  private async tickEverySecond(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.context.wait(1, signal);
        this.shotRunning();
      }
    } catch {
      // the exposure is over
    }
  }
  private shotRunning(): void {
    const { shot } = this.context.state;
    if (!shot) return;
    const elapsed = Math.min(shot.expo, Math.max(0, (this.context.now() - shot.startedAt) / 1000));
    this.context.emit(
      'ShotRunning',
      {
        File: shot.file,
        Expo: shot.expo,
        Elapsed: Math.round(elapsed * 10) / 10,
        ElapsedPerc: shot.expo > 0 ? Math.floor((100 * elapsed) / shot.expo) : 100,
        Status: shot.status,
      },
      'dashboard',
    );
  }
  private jpegReady({ request, startedAt, filter }: UnderWay, exposed: Exposed, drawn: RenderResult | null): void {
    const { context } = this;
    if (!drawn?.jpeg || context.faults.take('suppress_new_jpg')) return;
    const local = startedAt + context.state.clockSkewMs + context.options.utcOffsetSeconds * 1000;
    context.emit(
      'NewJPGReady',
      {
        File: exposed.windowsPath,
        SequenceTarget: request.target,
        TimeInfo: voyagerSeconds(local),
        TimeInfoUTC: voyagerSeconds(startedAt + context.state.clockSkewMs),
        Expo: request.exposure,
        Bin: request.bin,
        Filter: context.options.camera.bayer ? '** BayerMatrix **' : filter,
        HFD: exposed.hfd,
        StarIndex: exposed.starIndex,
        PixelDimX: drawn.jpegWidth,
        PixelDimY: drawn.jpegHeight,
        Base64Data: Buffer.from(drawn.jpeg.buffer, drawn.jpeg.byteOffset, drawn.jpeg.length).toString('base64'),
      },
      'dashboard',
    );
  }

  /** A frame is being drawn in the other thread: real time that no injected clock knows of. */
  get drawing(): boolean {
    return this.renderer.busy;
  }
  /** Seeing and focus as they are now: FWHM in arcsec. */
  fwhmArcsec(): number {
    return Math.hypot(
      this.context.weather.conditions().seeing_arcsec,
      this.context.focuser.blurArcsec(),
      this.context.guider.running ? 0.6 : 0.4,
    );
  }
  private async copy(source: string, temporary: string): Promise<RenderResult | null> {
    await copyFile(source, temporary);
    try {
      return await this.renderer.preview(temporary, 1000);
    } catch {
      return null; // a file that cannot be shown is handed out all the same
    }
  }
  async stop(): Promise<void> {
    await this.renderer.stop();
  }
}
