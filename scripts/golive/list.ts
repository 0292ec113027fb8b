/** The roadmap's go-live list, each point by a command or tests that exist. What a point proves is read from what its command prints. */
export interface Point {
  name: string;
  /** The roadmap's own words. */
  roadmap: string;
  run:
    | { script: string; args: readonly string[] }
    | { bench: string; args: readonly string[] }
    | { tests: readonly string[] };
  /** What of a command's JSON stands in the table, and whether it is enough; a command that ends with 0 is enough where this is left out. */
  proof?: (said: Record<string, unknown>) => { enough: boolean; shows: string };
}
const count = (value: unknown): number => (Array.isArray(value) ? value.length : Number(value));
const shown = (value: unknown): string => JSON.stringify(value) ?? 'not told';

/** What a killed night has that the undisturbed one has not. */
const unequal = (differences: unknown): string =>
  Array.isArray(differences) && differences.length > 0
    ? `; ${differences.join('; ')}`
    : ', equal to an undisturbed one';

export const POINTS: readonly Point[] = [
  {
    name: 'soak',
    roadmap: 'Proxy Voyager testé en conditions réelles (48h+)',
    run: { script: 'soak', args: ['--json', '--hours', '48'] },
    proof: (said) => ({
      enough: said.ok === true && Number(said.hours) >= 48,
      shows: `${shown(said.hours)} h of protocol, ${shown(said.disconnects)} disconnects, ${(said.heartbeats as { missed: number }).missed} heartbeats missed, ${(said.frames as { unaccounted: number }).unaccounted} frames unaccounted for`,
    }),
  },
  {
    name: 'sessions',
    roadmap: 'Au moins 5 sessions complètes simulées',
    run: { script: 'night', args: ['--json', '--bookings', '5', '--shots', '3'] },
    proof: (said) => {
      const completed = (said.bookings as { outcome: string | null }[]).filter(
        ({ outcome }) => outcome === 'completed',
      );
      return {
        enough: said.ok === true && completed.length >= 5,
        shows: `${completed.length} sessions completed, ${count(said.problems)} problems, ${(said.outbox as { pending: number }).pending} messages left over`,
      };
    },
  },
  {
    name: 'nights',
    roadmap: 'Au moins 5 sessions complètes simulées (météo, pannes)',
    run: { script: 'nights', args: ['--json', '--count', '100', '--seed', '7'] },
    proof: (said) => ({
      enough: Number(said.count) >= 100 && count(said.violations) === 0,
      shows: `${shown(said.count)} nights in virtual time, ${count(said.violations)} violations`,
    }),
  },
  {
    name: 'users',
    roadmap: 'Tests charge (10 users simultanés)',
    run: { bench: 'live', args: ['--json', '--viewers', '5', '--spread', '5', '--sessions', '5', '--seconds', '15'] },
    proof: (said) => ({
      enough: Number(said.viewers) >= 10 && said.lost === 0,
      shows: `${shown(said.viewers)} viewers of ${shown(said.sessions)} sessions, ${shown(said.lost)} of ${shown(said.received)} messages lost, p95 ${shown(said.p95_ms)} ms`,
    }),
  },
  {
    name: 'failover',
    roadmap: 'Plan de rollback défini (panne en pleine nuit)',
    run: { script: 'chaos', args: ['--json', '--kills', '10', '--seed', '3'] },
    proof: (said) => ({
      enough: Number(said.kills) > 0 && said.equal_to_undisturbed === true,
      shows: `${shown(said.kills)} kills in a night, slowest recovery ${shown(said.max_recovery_s)} of ${shown(said.recovery_bound_s)} s${unequal(said.differences)}`,
    }),
  },
  {
    name: 'takeover',
    roadmap: 'Plan de rollback défini (second gateway)',
    run: { tests: ['test/gateway/lease.test.ts'] },
  },
  { name: 'rollback', roadmap: 'Plan de rollback défini', run: { tests: ['test/session/release.test.ts'] } },
  { name: 'backup', roadmap: 'Backup automatique configuré', run: { tests: ['test/platform/backup.test.ts'] } },
  { name: 'monitoring', roadmap: 'Monitoring en place', run: { tests: ['test/stack/monitoring.test.ts'] } },
  {
    name: 'documentation',
    roadmap: 'Documentation complète; support utilisateur prêt',
    run: { tests: ['test/rules/docs.test.ts', 'test/rules/snippets.test.ts'] },
  },
  { name: 'deployment', roadmap: 'Configuration requise', run: { script: 'deploy-check', args: ['--json'] } },
];
