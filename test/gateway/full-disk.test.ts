import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';

/** A disk with no room for a whole line: a single write takes half and returns how much, as POSIX write(2) does; a whole one fails. */
let full = false;
jest.unstable_mockModule('node:fs', () => ({
  ...fs,
  writeSync: (fd: number, text: string) => fs.writeSync(fd, full ? text.slice(0, text.length / 2) : text),
  writeFileSync: (file: number, text: string) => {
    fs.writeFileSync(file, full ? text.slice(0, text.length / 2) : text);
    if (full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  },
}));
const { StateFile } = await import('../../gateway/telescope/state-file.ts');

test('a disk that fills up in the middle of a line: flush says so, what stood stands, and no line is lost when there is room again', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'nocturne-gateway-'));
  const path = join(folder, 'state.jsonl');
  const file = new StateFile(path);
  const latches = file.part<string>('latch');
  latches.set('a', 'stands');
  full = true;
  latches.set('b', 'half');
  await expect(file.flush()).rejects.toThrow('ENOSPC');
  expect(fs.readFileSync(path, 'utf8')).toContain('stands');
  full = false;
  latches.set('c', 'whole');
  await file.flush();
  await file.close();
  const after = new StateFile(path);
  expect(after.part('latch').keys()).toEqual(['a', 'b', 'c']);
  await after.close();
  fs.rmSync(folder, { recursive: true, force: true });
});
