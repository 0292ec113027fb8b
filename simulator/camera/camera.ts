import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { altAz } from '../../domain/sky.ts';
import { formatVoyagerAngle } from '../../domain/coordinates.ts';
import { Aborted, ActionError, abortReason, type Context } from '../context.ts';
import { voyagerSeconds } from '../wire/lines.ts';
import { filterOf } from './filters.ts';
import type { Card } from './fits.ts';
import type { RenderRequest, RenderResult } from './render.ts';
import { Renderer } from './renderer.ts';

export interface ExposureRequest {
  /** 0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT. */
  type: number;
  voyType: 'TEST' | 'SHOT' | 'SYNC';
  target: string;
  exposure: number;
  bin: number;
  gain: number;
  offset: number;
  /** Folders under the root, as Voyager would make them. */
  folders: string[];
  cards: Card[];
  /** Takes the next file of the folder instead of drawing one. */
  handOut: boolean;
  /** Name without folder; made when absent. */
  name?: string;
}
export interface Exposed {
  windowsPath: string;
  filename: string;
  hfd: number;
  starIndex: number;
  min: number;
  max: number;
  mean: number;
  downloadSeconds: number;
}

const TYPE_NAMES = ['LIGHT', 'BIAS', 'DARK', 'FLAT'] as const;
const FOCAL_LENGTH_MM = 800;
const APERTURE_MM = 200;
const PIXEL_UM = 3.76;
const FITS_NAME = /\.(fit|fits|fts)(\.(fz|gz))?$/i;
/** Files of a folder that can be handed out, in the order in which they are. */
export const fitsFilesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => FITS_NAME.test(name))
    .sort();
const safe = (text: string): string => text.trim().replace(/[^\p{L}\p{N}.+-]+/gu, '_') || 'noname';

/** Camera, filter wheel and the part of Voyager that writes frames and tells of them. */
export class Camera {
  private readonly context: Context;
  private readonly renderer = new Renderer();
  private readonly fitsRoot: string;
  private readonly temporary: string;
  private handOuts: string[] | null = null;
  private frame = 0;

  constructor(context: Context) {
    this.context = context;
    this.fitsRoot = join(context.options.dataDir, 'fits');
    this.temporary = join(context.options.dataDir, 'tmp');
    rmSync(this.temporary, { recursive: true, force: true });
    mkdirSync(this.fitsRoot, { recursive: true });
    mkdirSync(this.temporary, { recursive: true });
  }

  /** One exposure from opening the shutter to the file on disk and its events. */
  async expose(request: ExposureRequest, signal: AbortSignal): Promise<Exposed> {
    const { context } = this;
    const { options, state } = context;
    if (context.cooler.error || !context.cooler.connected) throw new ActionError('Camera Error');
    const startedAt = context.now();
    const filter = options.filters[state.filterIndex] ?? 'NONE';
    const source = request.handOut && options.fitsDir && request.type === 0 ? this.nextHandOut() : null;
    const folder = join(this.fitsRoot, ...request.folders.map(safe));
    mkdirSync(folder, { recursive: true });
    const name = this.uniqueName(
      folder,
      source ? basename(source) : (request.name ?? this.frameName(request, filter, startedAt)),
    );
    const path = join(folder, name);
    const windowsPath = this.toWindows(path);
    const temporary = join(this.temporary, `${context.store.next()}.fit`);
    const drawing = source
      ? this.copy(source, temporary)
      : this.renderer.render(this.renderRequest(request, filter, temporary, startedAt));
    drawing.catch(() => {});

    const ticking = new AbortController();
    const shot = { file: name, expo: request.exposure, startedAt, status: 1 as 0 | 1 | 2 | 3 | 4 };
    state.shot = shot;
    context.log.effect('exposure.start', {
      file: windowsPath,
      target: request.target,
      exposure: request.exposure,
      voy_type: request.voyType,
    });
    this.shotRunning();
    void this.tickEverySecond(ticking.signal);
    try {
      const camera = new AbortController();
      const forward = (): void => camera.abort(abortReason(signal));
      signal.addEventListener('abort', forward, { once: true });
      const watch = (): void => {
        if (context.cooler.error) camera.abort('camera_error');
        else if (!camera.signal.aborted && state.shot === shot) context.later(0.5, watch);
      };
      watch();
      if (signal.aborted) throw new Aborted(abortReason(signal));
      try {
        await context.wait(request.exposure, camera.signal);
      } finally {
        signal.removeEventListener('abort', forward);
      }
      shot.status = 2;
      this.shotRunning();
      const downloadFrom = context.now();
      const download = options.overheads.download * context.random.between(0.9, 1.1);
      await context.wait(download, signal);
      let drawn: RenderResult | null;
      try {
        drawn = await drawing;
      } catch (thrown) {
        throw new ActionError(`Camera Error : ${(thrown as Error).message}`);
      }
      this.place(temporary, path);
      const starIndex = drawn ? Math.round((4 + 2.5 * Math.log10(1 + drawn.stars)) * 100) / 100 : 0;
      let hfd = 0;
      if (drawn && drawn.hfd > 0) hfd = Math.round(drawn.hfd * 1000) / 1000;
      else if (source) hfd = Math.round((2.8 + 0.3 * context.random.gaussian()) * 1000) / 1000;
      const exposed: Exposed = {
        windowsPath,
        filename: name,
        hfd,
        starIndex,
        min: drawn?.min ?? 0,
        max: drawn?.max ?? 0,
        mean: drawn?.mean ?? 0,
        downloadSeconds: (context.now() - downloadFrom) / 1000,
      };
      context.log.effect('exposure.done', { file: windowsPath, target: request.target, voy_type: request.voyType });
      if (request.voyType === 'SYNC' || !context.faults.take('suppress_new_fit')) {
        context.emit('NewFITReady', {
          File: windowsPath,
          Type: request.type,
          VoyType: request.voyType,
          SeqTarget: request.target,
        });
      }
      shot.status = 3;
      this.shotRunning();
      context.later(context.random.between(0.03, 0.12), () => {
        this.jpegReady(request, exposed, drawn, startedAt, filter);
        if (state.shot === shot) {
          shot.status = 0;
          this.shotRunning();
          state.shot = null;
        }
      });
      return exposed;
    } catch (thrown) {
      const failed =
        thrown instanceof Aborted && thrown.reason === 'camera_error' ? new ActionError('Camera Error') : thrown;
      shot.status = failed instanceof Aborted ? 0 : 4;
      this.shotRunning();
      state.shot = null;
      context.log.effect('exposure.aborted', {
        file: windowsPath,
        target: request.target,
        reason: failed instanceof Aborted ? failed.reason : (failed as Error).message,
      });
      void drawing.then(
        () => rmSync(temporary, { force: true }),
        () => {},
      );
      throw failed;
    } finally {
      ticking.abort();
    }
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
  private jpegReady(
    request: ExposureRequest,
    exposed: Exposed,
    drawn: RenderResult | null,
    startedAt: number,
    filter: string,
  ): void {
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
  private renderRequest(request: ExposureRequest, filter: string, path: string, startedAt: number): RenderRequest {
    const { context } = this;
    const { options, mount, cooler, focuser } = context;
    const at = mount.position();
    const status = mount.status();
    const sky = altAz(options.site, at.raHours, at.decDegrees, startedAt);
    const arcsecPerPixel = ((206.265 * PIXEL_UM) / FOCAL_LENGTH_MM) * request.bin;
    const through = filterOf(filter);
    const width = Math.max(1, Math.floor(options.camera.width / request.bin));
    const height = Math.max(1, Math.floor(options.camera.height / request.bin));
    const iso = new Date(startedAt).toISOString().slice(0, 23);
    const cards: Card[] = [
      { key: 'DATE-OBS', value: iso, comment: 'UTC start of exposure' },
      { key: 'EXPTIME', value: request.exposure, decimals: 3, comment: 'seconds' },
      { key: 'EXPOSURE', value: request.exposure, decimals: 3, comment: 'seconds' },
      { key: 'IMAGETYP', value: TYPE_NAMES[request.type] ?? 'LIGHT' },
      { key: 'FILTER', value: filter },
      { key: 'OBJECT', value: request.target },
      { key: 'CCD-TEMP', value: cooler.temperature(), decimals: 2 },
      { key: 'SET-TEMP', value: cooler.status().setPoint, decimals: 2 },
      { key: 'XBINNING', value: request.bin },
      { key: 'YBINNING', value: request.bin },
      { key: 'XPIXSZ', value: PIXEL_UM * request.bin, decimals: 3, comment: 'micrometres, binned' },
      { key: 'YPIXSZ', value: PIXEL_UM * request.bin, decimals: 3 },
      { key: 'GAIN', value: request.gain },
      { key: 'OFFSET', value: request.offset },
      { key: 'EGAIN', value: 1, decimals: 3 },
      { key: 'RA', value: at.raHours * 15, decimals: 6, comment: 'degrees, J2000' },
      { key: 'DEC', value: at.decDegrees, decimals: 6, comment: 'degrees, J2000' },
      { key: 'OBJCTRA', value: hms(at.raHours) },
      {
        key: 'OBJCTDEC',
        value: formatVoyagerAngle(at.decDegrees)
          .replace(/[°'"]/g, '')
          .replace(/^(?!-)/, '+'),
      },
      { key: 'OBJCTALT', value: sky.altitudeDegrees, decimals: 3 },
      { key: 'OBJCTAZ', value: sky.azimuthDegrees, decimals: 3 },
      { key: 'AIRMASS', value: 1 / Math.max(0.05, Math.sin((sky.altitudeDegrees * Math.PI) / 180)), decimals: 4 },
      { key: 'PIERSIDE', value: status.pier === 'pierWest' ? 'WEST' : 'EAST' },
      { key: 'FOCPOS', value: Math.round(focuser.position) },
      { key: 'FOCTEMP', value: context.weather.conditions().temperature_celsius, decimals: 2 },
      { key: 'FOCALLEN', value: FOCAL_LENGTH_MM, comment: 'mm' },
      { key: 'APTDIA', value: APERTURE_MM, comment: 'mm' },
      { key: 'INSTRUME', value: 'Simulated camera' },
      { key: 'TELESCOP', value: 'Simulated telescope' },
      { key: 'SITELAT', value: options.site.latitude_degrees, decimals: 5 },
      { key: 'SITELONG', value: options.site.longitude_degrees, decimals: 5 },
      { key: 'SITEELEV', value: options.site.elevation_meters, decimals: 1 },
      { key: 'ROWORDER', value: 'TOP-DOWN' },
      ...(options.camera.bayer ? [{ key: 'BAYERPAT', value: 'RGGB' }] : []),
      { key: 'SWCREATE', value: 'nocturne simulator' },
      ...request.cards,
    ];
    return {
      path,
      cards,
      width,
      height,
      bayer: options.camera.bayer && request.bin === 1,
      raDegrees: at.raHours * 15,
      decDegrees: at.decDegrees,
      paDegrees: status.pier === 'pierWest' ? 0 : 180,
      arcsecPerPixel,
      fwhmPixels: this.fwhmArcsec() / arcsecPerPixel,
      exposureSeconds: request.exposure,
      transmission: through.transmission,
      light: through.light,
      skyRate: through.sky * request.bin ** 2,
      transparency: 1 - context.weather.conditions().cloud_percent / 110,
      type: request.type,
      temperatureCelsius: cooler.temperature(),
      seed: `${options.seed}/${context.store.next()}/${++this.frame}`,
      jpegPixels: 1000,
    };
  }

  private frameName(request: ExposureRequest, filter: string, at: number): string {
    const stamp = new Date(at + this.context.options.utcOffsetSeconds * 1000).toISOString();
    const parts = [
      safe(request.target),
      TYPE_NAMES[request.type] ?? 'LIGHT',
      safe(filter),
      `${request.exposure}s`,
      `BIN${request.bin}`,
      `${Math.round(this.context.cooler.temperature())}C`,
    ];
    return `${parts.join('_')}_${stamp.slice(0, 10).replaceAll('-', '')}_${stamp.slice(11, 19).replaceAll(':', '')}_${stamp.slice(20, 23)}.FIT`;
  }
  private uniqueName(folder: string, wished: string): string {
    const end = /(\.(?:fit|fits|fts)(?:\.(?:fz|gz))?)$/i.exec(wished)?.[1] ?? extname(wished);
    const stem = wished.slice(0, wished.length - end.length);
    let name = wished;
    for (let n = 2; existsSync(join(folder, name)); n++) name = `${stem}_${n}${end}`;
    return name;
  }
  private toWindows(path: string): string {
    return this.context.options.windowsRoot + path.slice(this.fitsRoot.length).split(sep).join('\\');
  }
  private nextHandOut(): string {
    const folder = this.context.options.fitsDir!;
    this.handOuts ??= fitsFilesOf(folder);
    if (this.handOuts.length === 0) throw new ActionError(`Camera Error : no FITS file in ${folder}`);
    return join(folder, this.handOuts[this.context.store.takeHandOut() % this.handOuts.length]!);
  }
  private async copy(source: string, temporary: string): Promise<RenderResult | null> {
    await copyFile(source, temporary);
    try {
      return await this.renderer.preview(temporary, 1000);
    } catch {
      return null; // a file that cannot be shown is handed out all the same
    }
  }
  /** Brings the file to its place, with whatever fault is due. */
  private place(temporary: string, path: string): void {
    const { faults } = this.context;
    const cut = faults.take('truncated_file');
    if (cut) truncateSync(temporary, Math.floor(statSync(temporary).size * cut.share));
    if (faults.take('missing_file')) {
      rmSync(temporary, { force: true });
      return;
    }
    const late = faults.take('late_file');
    if (late) this.context.later(late.seconds, () => existsSync(temporary) && renameSync(temporary, path));
    else renameSync(temporary, path);
    this.prune();
  }
  /** Oldest frames go when the folder has outgrown its limit; files younger than 15 minutes stay. */
  private prune(): void {
    const limit = this.context.options.keepMegabytes * 1e6;
    const files = readdirSync(this.fitsRoot, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const { size, mtimeMs } = statSync(path);
        return { path, size, mtimeMs };
      })
      .sort((a, b) => a.mtimeMs - b.mtimeMs);
    let total = files.reduce((sum, file) => sum + file.size, 0);
    for (const file of files) {
      if (total <= limit || Date.now() - file.mtimeMs < 900_000) break;
      rmSync(file.path, { force: true });
      total -= file.size;
      const folder = dirname(file.path);
      if (folder !== this.fitsRoot && readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
    }
  }
  async stop(): Promise<void> {
    await this.renderer.stop();
  }
}

function hms(hours: number): string {
  const total = Math.round(hours * 3600);
  return [Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60]
    .map((n) => String(n).padStart(2, '0'))
    .join(' ');
}
