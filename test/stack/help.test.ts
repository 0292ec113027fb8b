import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

jest.setTimeout(300_000);

const folders: string[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => {
  const { build } = (await import(projectPath('scripts', 'build.mjs'))) as { build: () => Promise<unknown> };
  await build();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Run {
  said: () => string;
  ended: Promise<number | null>;
}
function run(script: string, env: Record<string, string>, args: string[] = []): Run {
  const passed = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|TEMPORAL_CLI_PATH)$/.test(name)),
  );
  const child = spawn(process.execPath, [projectPath(...script.split('/')), ...args], {
    env: { ...passed, ENV_FILE: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { said: () => said, ended: new Promise((resolve) => child.once('exit', resolve)) };
}
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'nocturne-start-'));
  folders.push(made);
  return made;
};

/** Options that a page tells people to give to `npm run NAME -- …`. */
function optionsTold(name: string): string[] {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(projectPath('docs')).map((page) => `docs/${page}`),
  ].filter((page) => page.endsWith('.md'));
  const given = new RegExp(`npm run (?:-s )?${name}(?: \\[)? -- ([^\\n\`]*)`, 'g');
  return pages.flatMap((page) =>
    [...readFileSync(projectPath(page), 'utf8').matchAll(given)].flatMap(
      (match) => match[1]!.match(/--[a-z][a-z-]*/g) ?? [],
    ),
  );
}

describe('every command says what it does', () => {
  const commands = Object.entries(
    (JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
  ).flatMap(([name, line]) => {
    const found = /^exec node scripts\/(?:run\.mjs ([\w-]+)|screencast\.mjs)$/.exec(line);
    return found ? [[name, found[1] ? `dist/scripts/${found[1]}.js` : 'scripts/screencast.mjs'] as const] : [];
  });
  test.each(commands)('npm run %s -- --help ends with 0 and knows what the pages give it', async (name, script) => {
    const { ended, said } = run(script, { DATA_DIR: folder() }, ['--help']);
    expect(await ended).toBe(0);
    expect(said()).toContain(name === 'start' ? 'npm start' : `npm run ${name}`);
    expect(optionsTold(name).filter((option) => option !== '--help' && !said().includes(option))).toEqual([]);
  });
});
