import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../platform/errors.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { answerHelp, readOptions } from './help.ts';
import { POINTS } from './golive/list.ts';
import { runPoint, type Row } from './golive/run.ts';
import { lookAtSite, siteText, type SiteLook } from './golive/site.ts';

answerHelp(`npm run golive -- [--json] [--only POINT,POINT]
npm run golive -- --site [--minutes N] [--json]
Runs the go-live list of the roadmap with the commands and tests that there are, one after another, in processes of their own with simulated
telescopes, and prints the table: ${POINTS.map(({ name }) => name).join(', ')}. Takes up to an hour.
--only     these points alone
--site     looks at the Voyagers that are configured, read-only: heartbeat, login and listening, no command whatever is configured. Tells kinds of
           events, fields and texts that we do not know, reconnections, clock, weather sources. Ctrl-C ends it early.
--minutes  how long to look (10)
--json     the last line of stdout is one JSON object
Exit code 1 when a point fails, or a Voyager did not let us in.`);

async function runList(only: string | undefined, say: (line: string) => void): Promise<{ ok: boolean; rows: Row[] }> {
  const wanted = only?.split(',').map((name) => name.trim());
  for (const name of wanted ?? [])
    if (!POINTS.some((point) => point.name === name))
      throw new UsageError(`--only: "${name}" is none of ${POINTS.map((point) => point.name).join(', ')}.`);
  const rows: Row[] = [];
  for (const point of POINTS.filter(({ name }) => wanted?.includes(name) ?? true)) {
    const row = await runPoint(point);
    rows.push(row);
    say(`${row.state.padEnd(9)}${row.point.padEnd(15)}${`${row.seconds} s`.padStart(7)}  ${row.shows}`);
  }
  return { ok: rows.every(({ state }) => state === 'passed'), rows };
}

async function lookAtAll(minutes: number): Promise<{ ok: boolean; looks: SiteLook[] }> {
  const { config, telescopes } = loadSettings({});
  if (telescopes.length === 0)
    throw new UsageError('No telescope is configured: set VOYAGER_HOST, or TELESCOPES_FILE.');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const ended = sleep(minutes * 60_000, undefined, { signal: stop.signal }).catch(() => undefined);
  const looks = await Promise.all(telescopes.map((telescope) => lookAtSite(config, telescope, ended)));
  return { ok: looks.every(({ connected_seconds: stood }) => stood > 0), looks };
}

async function main(): Promise<number> {
  const { values } = readOptions({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      site: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '10' },
    },
  });
  const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  if (!values.site) {
    const done = await runList(values.only, say);
    if (values.json) console.log(JSON.stringify(done));
    return done.ok ? 0 : 1;
  }
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 60 * 24 * 31))
    throw new UsageError(`--minutes takes minutes, not "${values.minutes}".`);
  const done = await lookAtAll(minutes);
  for (const look of done.looks) say(siteText(look));
  if (values.json) console.log(JSON.stringify(done));
  return done.ok ? 0 : 1;
}

main().then((code) => process.exit(code), endWith);
