import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CONFIG_VARIABLES } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';
import { ok, problem, type Finding } from '../doctor/finding.ts';

const FILE = 'deploy/Dockerfile';
/** What the image sets for Node and for the C library. */
const FOREIGN = /^(NODE_ENV|NODE_OPTIONS|MALLOC_\w+)$/;

interface Instruction {
  word: string;
  rest: string;
}
/** One image of a file with several: what stands between one FROM and the next. */
interface Stage {
  from: string;
  name: string;
  body: Instruction[];
}

/** A Dockerfile's instructions; comments are gone and lines that go on are joined. */
function stagesOf(text: string): Stage[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  const stages: Stage[] = [];
  for (const [, word, rest] of lines.matchAll(/^([A-Z]+)[ \t]+(.+)$/gm)) {
    const [from, , name] = rest!.split(/\s+/);
    if (word === 'FROM') stages.push({ from: from!, name: name ?? String(stages.length), body: [] });
    else stages.at(-1)?.body.push({ word: word!, rest: rest!.trim() });
  }
  return stages;
}
const all = (stage: Stage, word: string): string[] =>
  stage.body.filter((one) => one.word === word).map(({ rest }) => rest);
const named = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => [...line.matchAll(/(?:^|\s)(\w+)=/g)].map((match) => match[1]!));

/** The image as it is made and started: every file is there, nothing runs as root, and Chromium comes where it is asked for. */
export function checkImage(
  text = readFileSync(projectPath(FILE), 'utf8'),
  compose = readFileSync(projectPath('docker-compose.yml'), 'utf8'),
): Finding {
  const stages = stagesOf(text);
  const last = stages.at(-1);
  const wrong = last
    ? [...stages.flatMap((stage) => stageFaults(stage, stages)), ...startFaults(last), ...chromiumFaults(last, compose)]
    : ['there is no FROM'];
  return wrong.length === 0
    ? ok(FILE, 'bases are pinned, every file is there, nothing runs as root, Chromium is there where it is asked for')
    : problem(FILE, wrong.join('\n'), 'See docs/deployment.md.');
}

function stageFaults(stage: Stage, stages: readonly Stage[]): string[] {
  const earlier = new Set(stages.slice(0, stages.indexOf(stage)).map(({ name }) => name));
  const faults = /:\d[\w.-]*$/.test(stage.from) || earlier.has(stage.from) ? [] : [`${stage.from} is not pinned`];
  for (const copied of all(stage, 'COPY')) {
    const from = /--from=(\S+)/.exec(copied)?.[1];
    if (from && !earlier.has(from)) faults.push(`${from} is no stage before`);
    const sources = copied.split(/\s+/).filter((word) => !word.startsWith('--'));
    for (const source of sources.slice(0, -1).map((path) => path.replace('/app/', '')))
      if (!/^(node_modules|dist)$/.test(source) && !existsSync(projectPath(source)))
        faults.push(`${source} does not exist`);
  }
  for (const run of all(stage, 'RUN').filter((line) => line.includes('apt-get install')))
    if (!run.includes('--no-install-recommends') || !run.includes('rm -rf /var/lib/apt/lists'))
      faults.push('apt-get leaves more than what is asked for');
  return faults;
}

function startFaults(last: Stage): string[] {
  const ours = new Set<string>(CONFIG_VARIABLES);
  const faults = named(all(last, 'ENV'))
    .filter((name) => !ours.has(name) && !FOREIGN.test(name))
    .map((name) => `${name} is no variable of ours`);
  const user = all(last, 'USER').at(-1) ?? 'root';
  if (/^(root|0)\b/.test(user)) faults.push('it runs as root');
  const entry = /dist\/([\w/]+)\.js/.exec(all(last, 'CMD').at(-1) ?? '')?.[1];
  if (!entry || !existsSync(projectPath(`${entry}.ts`))) faults.push('CMD starts nothing that the build makes');
  return faults;
}

/** Reports are printed in the container where WITH_CHROMIUM says so, and Compose hands that on. */
function chromiumFaults(last: Stage, compose: string): string[] {
  const faults: string[] = [];
  const installs = all(last, 'RUN').find((run) => run.includes('chromium-headless-shell'));
  if (!installs?.includes('"$WITH_CHROMIUM" = true')) faults.push('WITH_CHROMIUM brings no Chromium');
  const user = last.body.findIndex(({ word }) => word === 'USER');
  if (installs && user < last.body.findIndex(({ rest }) => rest === installs))
    faults.push('Chromium is installed by a user who may not');
  if (!all(last, 'ARG').some((line) => line.startsWith('WITH_CHROMIUM='))) faults.push('WITH_CHROMIUM is no argument');
  if (!all(last, 'ENV').some((line) => line.includes('CHROMIUM_NO_SANDBOX=true')))
    faults.push('Chromium’s own sandbox cannot start in a container: CHROMIUM_NO_SANDBOX=true is missing');
  const { services } = parse(compose, { merge: true }) as {
    services: { api: { build?: { args?: object }; environment?: object } };
  };
  const { build, environment } = services.api;
  if (!('WITH_CHROMIUM' in (build?.args ?? {}))) faults.push('Compose does not hand WITH_CHROMIUM on');
  // The variables of .env win over those of an image.
  if (!('CHROMIUM_NO_SANDBOX' in (environment ?? {})))
    faults.push('Compose lets .env start Chromium’s sandbox: set CHROMIUM_NO_SANDBOX for the api');
  return faults;
}
