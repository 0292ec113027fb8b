import { Telescope } from '../../domain/contracts/telescope.ts';
import type { Database } from '../../platform/database.ts';
import { Problem, invalid } from '../errors.ts';

/**
 * The telescopes, from the database and remembered: an abort finds its gateway while the database is away.
 * Begins with those of the configuration.
 */
export class TelescopeDirectory {
  private readonly known = new Map<string, Telescope>();
  private versions = new Map<string, number>();
  private freshUntilMs = 0;
  private loading: Promise<void> | null = null;
  constructor(
    configured: readonly Telescope[],
    private readonly db: Database,
    private readonly now: () => number,
  ) {
    for (const telescope of configured) this.known.set(telescope.id, telescope);
  }
  /** Somebody has changed a telescope. */
  forget(): void {
    this.freshUntilMs = 0;
  }
  private async refresh(): Promise<void> {
    if (this.now() < this.freshUntilMs) return;
    this.loading ??= (async () => {
      const rows = await this.db.telescope.findMany({ orderBy: { id: 'asc' } });
      for (const row of rows) {
        const parsed = Telescope.safeParse(row.config);
        if (!parsed.success) continue;
        this.known.set(row.id, parsed.data);
        this.versions.set(row.id, row.version);
      }
      this.freshUntilMs = this.now() + 10_000;
    })().finally(() => {
      this.loading = null;
    });
    await this.loading;
  }
  async list(): Promise<Telescope[]> {
    await this.refresh();
    return [...this.known.values()].sort((a, b) => a.id.localeCompare(b.id));
  }
  async find(id: string): Promise<Telescope | null> {
    await this.refresh();
    return this.known.get(id) ?? null;
  }
  /** @throws Problem `not_found`. */
  async get(id: string): Promise<Telescope> {
    const telescope = await this.find(id);
    if (!telescope) throw new Problem('not_found', `No telescope ${id}.`);
    return telescope;
  }
  version(id: string): number {
    return this.versions.get(id) ?? 0;
  }
  /** Memory only, for the emergency path. */
  remembered(id: string): Telescope | null {
    return this.known.get(id) ?? null;
  }
  rememberedAll(): Telescope[] {
    return [...this.known.values()];
  }
  /** The telescope a drop-in route means: the one named, or the only one there is; 422 where several are there. */
  async meant(id: string | undefined): Promise<Telescope> {
    if (id !== undefined) {
      const telescope = await this.find(id);
      if (!telescope) throw invalid({ telescope: [`there is no telescope "${id}"`] });
      return telescope;
    }
    const all = await this.list();
    if (all.length === 1) return all[0]!;
    if (all.length === 0) throw new Problem('not_found', 'No telescope is configured.');
    throw invalid({
      telescope: [`is required: there are ${all.length} telescopes (${all.map((t) => t.id).join(', ')})`],
    });
  }
}
