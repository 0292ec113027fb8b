import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** RoboTarget's own objects, with the roadmap's field names; times in Unix seconds, RA in hours. */
export interface SetRow {
  Guid: string;
  Name: string;
  ProfileName: string;
  Status: number;
  Tag: string;
}
export interface TargetRow {
  GuidTarget: string;
  RefGuidSet: string;
  RefGuidBaseSequence: string;
  TargetName: string;
  RAJ2000: number;
  DECJ2000: number;
  PA: number;
  DateCreation: number;
  Status: number;
  Priority: number;
  IsRepeat: boolean;
  Repeat: number;
  C_Mask: string;
  C_AltMin: number;
  C_HAStart: number;
  C_HAEnd: number;
  C_DateStart: number;
  C_DateEnd: number;
  Tag: string;
}
export interface ShotRow {
  GuidShot: string;
  RefGuidTarget: string;
  FilterIndex: number;
  Num: number;
  Bin: number;
  ReadoutMode: number;
  Type: number;
  Speed: number;
  Gain: number;
  Offset: number;
  Exposure: number;
  Order: number;
  Enabled: boolean;
}
/** One record of the shot-done list, with the wire names of RemoteOpenRoboTargetGetShotDoneList. */
export interface DoneRow {
  guid: string;
  refguidtarget: string;
  refguidshot: string;
  refguidsession: string;
  datetimeshot: number;
  datetimeshotutc: number;
  filename: string;
  path: string;
  hfd: number;
  starindex: number;
  max: number;
  mean: number;
  min: number;
  bin: number;
  filterindex: number;
  exposure: number;
  rating: number;
  isdeleted: boolean;
}
/** What the database keeps of every object beside its fields: deletion is logical, `generation` counts its changes. */
export interface Kept<T> {
  row: T;
  deleted: boolean;
  generation: number;
  order: number;
}
/** A target of RoboClip's own list, with the wire names of RemoteRoboClipGetTargetList. */
export type ClipRow = Record<string, string | number | boolean> & { guid: string };
interface Tables {
  /** Numbers up to this one may have been given. */
  counter: number;
  /** How many files of the folder have been handed out. */
  handedOut: number;
  sets: Record<string, Kept<SetRow>>;
  targets: Record<string, Kept<TargetRow>>;
  shots: Record<string, Kept<ShotRow>>;
  clips: ClipRow[];
}
export type TableName = 'sets' | 'targets' | 'shots';

/**
 * RoboTarget's database: in memory, and on disk after every change, so that a killed simulator has lost nothing.
 * Objects stand in robotarget.json, replaced as a whole by rename; shot-done records in shots-done.jsonl, one line each, rewritten when one of them changes.
 */
export class RoboTargetStore {
  private readonly file: string;
  private readonly doneFile: string;
  private tables: Tables = { counter: 0, handedOut: 0, sets: {}, targets: {}, shots: {}, clips: [] };
  private readonly records: DoneRow[] = [];
  private counter: number;
  /** Live records by shot, in lower case; null = to be counted anew. */
  private counts: Map<string, number> | null = null;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.file = join(dataDir, 'robotarget.json');
    this.doneFile = join(dataDir, 'shots-done.jsonl');
    if (existsSync(this.file)) this.tables = JSON.parse(readFileSync(this.file, 'utf8')) as Tables;
    this.counter = this.tables.counter;
    if (!existsSync(this.doneFile)) return;
    for (const line of readFileSync(this.doneFile, 'utf8').split('\n')) {
      try {
        if (line) this.records.push(JSON.parse(line) as DoneRow);
      } catch {
        continue; // the last line of a killed run may be cut
      }
    }
    this.saveDone();
  }
  private replace(file: string, text: string): void {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
  save(): void {
    this.replace(this.file, JSON.stringify(this.tables));
  }
  /** After a change of records that stand already. */
  saveDone(): void {
    this.counts = null;
    this.replace(this.doneFile, this.records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  /** A number never given before, also not before a restart: a hundred are set aside on disk at a time. */
  next(): number {
    if (++this.counter > this.tables.counter) {
      this.tables.counter = this.counter + 99;
      this.save();
    }
    return this.counter;
  }
  takeHandOut(): number {
    const index = this.tables.handedOut++;
    this.save();
    return index;
  }

  find(table: 'sets', guid: string): Kept<SetRow> | undefined;
  find(table: 'targets', guid: string): Kept<TargetRow> | undefined;
  find(table: 'shots', guid: string): Kept<ShotRow> | undefined;
  find(table: TableName, guid: string): Kept<SetRow | TargetRow | ShotRow> | undefined;
  find(table: TableName, guid: string): Kept<SetRow | TargetRow | ShotRow> | undefined {
    const found = this.tables[table][guid.toLowerCase()];
    return found && !found.deleted ? found : undefined;
  }
  put(table: TableName, guid: string, row: SetRow | TargetRow | ShotRow): Kept<SetRow | TargetRow | ShotRow> {
    const key = guid.toLowerCase();
    const rows = this.tables[table] as Record<string, Kept<SetRow | TargetRow | ShotRow>>;
    const before = rows[key];
    const kept = {
      row,
      deleted: false,
      generation: (before?.generation ?? 0) + 1,
      order: before && !before.deleted ? before.order : this.next(),
    };
    rows[key] = kept;
    this.save();
    return kept;
  }
  remove(table: TableName, guid: string): void {
    const kept = this.tables[table][guid.toLowerCase()];
    if (!kept) return;
    kept.deleted = true;
    kept.generation++;
    this.save();
  }
  private live<T>(rows: Record<string, Kept<T>>): Kept<T>[] {
    return Object.values(rows)
      .filter((kept) => !kept.deleted)
      .sort((a, b) => a.order - b.order);
  }
  sets(): Kept<SetRow>[] {
    return this.live(this.tables.sets);
  }
  /** Live targets whose set is live too. */
  targets(setGuid?: string): Kept<TargetRow>[] {
    return this.live(this.tables.targets).filter(
      (t) => this.find('sets', t.row.RefGuidSet) && (setGuid === undefined || same(t.row.RefGuidSet, setGuid)),
    );
  }
  shots(targetGuid: string): Kept<ShotRow>[] {
    return this.live(this.tables.shots)
      .filter((s) => same(s.row.RefGuidTarget, targetGuid))
      .sort((a, b) => a.row.Order - b.row.Order || a.order - b.order);
  }
  done(): DoneRow[] {
    return this.records;
  }
  doneOf(targetGuid: string): DoneRow[] {
    return this.records.filter((d) => same(d.refguidtarget, targetGuid));
  }
  addDone(row: DoneRow): void {
    this.records.push(row);
    this.counts = null;
    appendFileSync(this.doneFile, `${JSON.stringify(row)}\n`);
  }
  doneCount(shotGuid: string): number {
    if (!this.counts) {
      this.counts = new Map();
      for (const d of this.records)
        if (!d.isdeleted)
          this.counts.set(d.refguidshot.toLowerCase(), (this.counts.get(d.refguidshot.toLowerCase()) ?? 0) + 1);
    }
    return this.counts.get(shotGuid.toLowerCase()) ?? 0;
  }
  clips(): readonly ClipRow[] {
    return this.tables.clips;
  }
  setClips(clips: ClipRow[]): void {
    this.tables.clips = clips;
    this.save();
  }
  /** Exposures of this shot over all repetitions of its target. */
  wanted(target: TargetRow, shot: ShotRow): number {
    return shot.Enabled ? shot.Num * (target.IsRepeat ? Math.max(1, target.Repeat) : 1) : 0;
  }
  finished(target: TargetRow): boolean {
    const shots = this.shots(target.GuidTarget);
    return shots.length > 0 && shots.every((s) => this.doneCount(s.row.GuidShot) >= this.wanted(target, s.row));
  }
}
export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
