import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, dirname, extname, join, sep } from 'node:path';
import { ActionError, type Context } from '../context.ts';
import { TYPE_NAMES, type ExposureRequest } from './exposure.ts';

const FITS_NAME = /\.(fit|fits|fts)(\.(fz|gz))?$/i;
/** Files of a folder that can be handed out, in the order in which they are. */
export const fitsFilesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => FITS_NAME.test(name))
    .sort();
const safe = (text: string): string => text.trim().replace(/[^\p{L}\p{N}.+-]+/gu, '_') || 'noname';

/** The folders in which frames are made and come to lie, and the one that hands files out. */
export class FrameFolders {
  private readonly fitsRoot: string;
  private readonly temporary: string;
  private handOuts: string[] | null = null;

  constructor(private readonly context: Context) {
    this.fitsRoot = join(context.options.dataDir, 'fits');
    this.temporary = join(context.options.dataDir, 'tmp');
    rmSync(this.temporary, { recursive: true, force: true });
    mkdirSync(this.fitsRoot, { recursive: true });
    mkdirSync(this.temporary, { recursive: true });
  }

  /** Where a frame is to lie, under a name that nothing bears yet. @param source a file that is handed out under its own name */
  newPath(request: ExposureRequest, source: string | null, filter: string, at: number): string {
    const folder = join(this.fitsRoot, ...request.folders.map(safe));
    mkdirSync(folder, { recursive: true });
    const wished = source ? basename(source) : (request.name ?? this.frameName(request, filter, at));
    return join(folder, this.uniqueName(folder, wished));
  }
  /** Where it is made before. */
  newTemporary(): string {
    return join(this.temporary, `${this.context.store.next()}.fit`);
  }
  toWindows(path: string): string {
    return this.context.options.windowsRoot + path.slice(this.fitsRoot.length).split(sep).join('\\');
  }
  nextHandOut(): string {
    const folder = this.context.options.fitsDir!;
    this.handOuts ??= fitsFilesOf(folder);
    if (this.handOuts.length === 0) throw new ActionError(`Camera Error : no FITS file in ${folder}`);
    return join(folder, this.handOuts[this.context.store.takeHandOut() % this.handOuts.length]!);
  }
  /** Brings the file to its place, with whatever fault is due. */
  place(temporary: string, path: string): void {
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
}
