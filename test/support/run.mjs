/** Before the first test file: a folder of this run, where its files leave what they share. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup() {
  process.env.NOCTURNE_TEST_RUN = mkdtempSync(join(tmpdir(), 'nocturne-run-'));
  process.env.NOCTURNE_TEST_RUN_PID = String(process.pid);
}
