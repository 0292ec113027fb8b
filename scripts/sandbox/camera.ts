import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { JournalKinds } from '../../domain/journal.ts';
import { SIGNALS } from '../../domain/messages.ts';
import type { Database } from '../../platform/database.ts';
import { signalSession } from '../../platform/sessions.ts';
import { filterOf } from '../../simulator/camera/filters.ts';
import { Renderer } from '../../simulator/camera/renderer.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import type { SandboxGateway } from './gateway.ts';
import type { SandboxObservatory, TakenFrame } from './observatory.ts';

/** Small, so that a night is taken in within seconds. */
export const SANDBOX_CAMERA = { width: 600, height: 400, pixel_um: 12 } as const;
const FOCAL_LENGTH_MM = 800;
const ARCSEC_PER_PIXEL = (206.265 * SANDBOX_CAMERA.pixel_um) / FOCAL_LENGTH_MM;
const TYPES = ['LIGHT', 'BIAS', 'DARK', 'FLAT'] as const;
const FWHM_ARCSEC = 7;

/**
 * What Voyager and the gateway do with an exposure: a FITS file on the share, the journal's rows about it, and a word to the session that frames wait.
 * Everything after that is the product's own intake.
 */
export class SandboxCamera {
  private readonly renderer = new Renderer();
  private rows = 0;
  private working: Promise<void> = Promise.resolve();
  /** Frames whose files and rows stand. */
  written = 0;

  constructor(
    private readonly parts: {
      db: Database;
      temporal: Client;
      observatory: SandboxObservatory;
      gateway: SandboxGateway;
      share: { folder: string; windowsRoot: string };
    },
  ) {
    mkdirSync(parts.share.folder, { recursive: true });
  }

  /** Writes what was taken until now; one after the other, whoever asks. */
  take(nowMs: number): Promise<void> {
    this.working = this.working.catch(() => undefined).then(() => this.write(nowMs));
    return this.working;
  }
  private async write(nowMs: number): Promise<void> {
    const { temporal, observatory } = this.parts;
    const frames = observatory.newFrames(nowMs);
    const newest = new Map<string, number>();
    for (const frame of frames) newest.set(frame.bookingId, await this.writeOne(frame));
    for (const [bookingId, n] of newest)
      await signalSession(temporal, bookingId, SIGNALS.framesWaiting, { upTo: { epoch: 1, n } });
    this.written += frames.length;
  }

  /** @returns the number of its last row */
  private async writeOne({ bookingId, standIn, taken }: TakenFrame): Promise<number> {
    const { db, observatory, share } = this.parts;
    const { plan } = standIn;
    const shot = plan?.shots[taken.index];
    if (!plan || !shot) return this.rows;
    const name = `${taken.guid}.fit`;
    const drawn = await this.renderer.render(this.picture({ bookingId, standIn, taken }, join(share.folder, name)));
    const at = new Date(taken.startedAt + taken.exposureSeconds * 1000);
    const path = `${share.windowsRoot}\\${name}`;
    const frame: JournalKinds['frame'] = {
      file: path,
      type: shot.Type,
      voy_type: 'SHOT',
      seq_target: plan.target.TargetName,
    };
    const done: JournalKinds['shot_done'] = {
      guid: taken.guid,
      shot_guid: taken.shotGuid,
      target_guid: plan.target.GuidTarget,
      filename: name,
      path,
      at: at.toISOString(),
      hfd: Math.round(drawn.hfd * 100) / 100,
      star_index: 8,
    };
    const row = (kind: 'frame' | 'shot_done', data: Prisma.InputJsonObject): Prisma.JournalCreateManyInput => ({
      telescopeId: observatory.telescope.id,
      epoch: 1,
      n: ++this.rows,
      kind,
      at,
      bookingId,
      data,
    });
    await db.journal.createMany({ data: [row('shot_done', done), row('frame', frame)] });
    const shown = {
      file: path,
      filter: filterName(standIn.telescope, shot.FilterIndex),
      exposureSeconds: shot.Exposure,
      binning: shot.Bin,
      hfd: done.hfd ?? 0,
      jpeg: drawn.jpeg,
    };
    this.parts.gateway.picture(shown, at.getTime(), bookingId);
    return this.rows;
  }

  private picture({ standIn, taken }: TakenFrame, path: string): Parameters<Renderer['render']>[0] {
    const { target, shots } = standIn.plan!;
    const shot = shots[taken.index]!;
    const filter = filterName(standIn.telescope, shot.FilterIndex);
    const { transmission, light, sky } = filterOf(filter);
    const raDegrees = target.RAJ2000 * 15;
    return {
      path,
      width: Math.floor(SANDBOX_CAMERA.width / shot.Bin),
      height: Math.floor(SANDBOX_CAMERA.height / shot.Bin),
      bayer: false,
      raDegrees,
      decDegrees: target.DECJ2000,
      paDegrees: 0,
      arcsecPerPixel: ARCSEC_PER_PIXEL * shot.Bin,
      fwhmPixels: FWHM_ARCSEC / (ARCSEC_PER_PIXEL * shot.Bin),
      exposureSeconds: shot.Exposure,
      transmission,
      light,
      skyRate: sky * shot.Bin ** 2,
      transparency: 1,
      type: shot.Type,
      temperatureCelsius: -10,
      seed: taken.guid,
      jpegPixels: SANDBOX_CAMERA.width,
      cards: [
        {
          key: 'DATE-OBS',
          value: new Date(taken.startedAt).toISOString().slice(0, 23),
          comment: 'UTC start of exposure',
        },
        { key: 'EXPTIME', value: shot.Exposure, decimals: 3, comment: 'seconds' },
        { key: 'IMAGETYP', value: TYPES[shot.Type] ?? 'LIGHT' },
        { key: 'FILTER', value: filter },
        { key: 'OBJECT', value: target.TargetName },
        { key: 'CCD-TEMP', value: -10, decimals: 1 },
        { key: 'XBINNING', value: shot.Bin },
        { key: 'YBINNING', value: shot.Bin },
        { key: 'XPIXSZ', value: SANDBOX_CAMERA.pixel_um * shot.Bin, decimals: 3 },
        { key: 'YPIXSZ', value: SANDBOX_CAMERA.pixel_um * shot.Bin, decimals: 3 },
        { key: 'FOCALLEN', value: FOCAL_LENGTH_MM, comment: 'mm' },
        { key: 'RA', value: raDegrees, decimals: 6, comment: 'degrees, J2000' },
        { key: 'DEC', value: target.DECJ2000, decimals: 6, comment: 'degrees, J2000' },
        { key: 'SWCREATE', value: 'nocturne sandbox' },
        { key: 'RTSHOT', value: taken.guid, comment: 'RoboTarget shot done' },
      ],
    };
  }
  stop(): Promise<void> {
    return this.renderer.stop();
  }
}

const filterName = ({ filters }: Telescope, index: number): string =>
  Object.entries(filters).find(([, one]) => one === index)?.[0] ?? 'L';
