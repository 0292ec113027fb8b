import { LineFramer } from '../gateway/connection/framer.ts';
import { PictureBuffers } from '../gateway/connection/picture-buffers.ts';
import { decodeLine } from '../gateway/protocol/codec.ts';
import { Mirror } from '../gateway/telescope/mirror.ts';
import { controlLine, previewLine } from './gateway-lines.ts';
import { benchInstances, benchProcess } from './gateway-process.ts';
import { answerHelp } from '../scripts/help.ts';

/**
 * `npm run bench:gateway -- --json [--long]`: the gateway's framer, codec and mirror beside the usual way to read such a stream (join the pieces, split at line
 * ends, JSON.parse) in the same run, both fed the same 64 KB pieces. The usual way is given its better form (pieces are joined once per line,
 * not added to a growing string) and leaves the picture as text, while ours decodes it. Then the real process (bench/gateway-process.ts): emergency aborts
 * and memory. `--long`: 10,000 previews of 1 MB and a million ControlData lines, and a whole minute after sixty previews of 20 MB.
 */

const CHUNK = 64 * 1024;
const MB = 1024 * 1024;
const cpuSeconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;
const round = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;

function chunksOf(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return chunks;
}

/** Ours: framer, codec and mirror, as link and gateway use them; time passes as the lines say, 2 s each. */
function ours(chunks: Buffer[]): number {
  let seen = 0;
  const mirror = new Mirror('bench');
  const pictures = new PictureBuffers();
  const framer = new LineFramer(
    64 * MB,
    {
      line: (bytes, picture) => {
        const decoded = decodeLine(bytes, picture);
        if (!decoded.ok || decoded.message.kind !== 'event' || decoded.message.event.unknown) return;
        const { preview } = mirror;
        mirror.take(decoded.message.event, seen * 2000);
        if (preview && preview !== mirror.preview) pictures.give(preview.jpeg);
        seen++;
      },
      tooLong: () => {
        throw new Error('line over the limit');
      },
    },
    pictures,
  );
  for (const chunk of chunks) framer.push(chunk);
  return seen;
}

/** The usual way: text of each piece, split at line ends, JSON.parse. */
function baseline(chunks: Buffer[]): number {
  let seen = 0;
  let rest: string[] = [];
  for (const chunk of chunks) {
    const lines = chunk.toString('utf8').split('\r\n');
    const last = lines.pop()!;
    for (const line of lines) {
      const whole = rest.length > 0 ? rest.join('') + line : line;
      rest = [];
      if (whole === '') continue;
      if ((JSON.parse(whole) as { Event?: string }).Event) seen++;
    }
    if (last) rest.push(last);
  }
  return seen;
}

/**
 * Best of several interleaved rounds after one to warm up, in seconds of processor time (the collector's threads included): what a busy machine
 * takes away is nobody's. On an idle one that is the time by the clock.
 */
function compare(chunks: Buffer[], expected: number, rounds: number): { ours: number; baseline: number } {
  const best = { ours: Infinity, baseline: Infinity };
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of [
      ['baseline', baseline],
      ['ours', ours],
    ] as const) {
      const from = process.cpuUsage();
      const seen = run(chunks);
      if (seen !== expected) throw new Error(`${name} read ${seen} of ${expected} lines`);
      if (round >= 0) best[name] = Math.min(best[name], cpuSeconds(process.cpuUsage(from)));
    }
  }
  return best;
}

function benchControl(): { per_s: number; ratio_to_baseline: number; baseline_per_s: number } {
  const count = 20_000;
  const chunks = chunksOf(Buffer.from(Array.from({ length: count }, (_, n) => controlLine(n)).join('')));
  const best = compare(chunks, count, 16);
  return {
    per_s: Math.round(count / best.ours),
    ratio_to_baseline: round(best.baseline / best.ours),
    baseline_per_s: Math.round(count / best.baseline),
  };
}
function benchPreviews(): {
  mb_per_s: number;
  ratio_to_baseline: number;
  baseline_mb_per_s: number;
  by_size: { mb: number; ratio_to_baseline: number }[];
} {
  let total = { ours: 0, baseline: 0, mb: 0 };
  const bySize: { mb: number; ratio_to_baseline: number }[] = [];
  for (const mb of [1, 4, 10, 20]) {
    const line = previewLine(mb);
    const lines = Math.max(2, Math.floor(20 / mb));
    const best = compare(Array.from({ length: lines }, () => chunksOf(line)).flat(), lines, 8);
    bySize.push({ mb, ratio_to_baseline: round(best.baseline / best.ours) });
    total = { ours: total.ours + best.ours, baseline: total.baseline + best.baseline, mb: total.mb + mb * lines };
  }
  return {
    mb_per_s: Math.round(total.mb / total.ours),
    ratio_to_baseline: round(total.baseline / total.ours),
    baseline_mb_per_s: Math.round(total.mb / total.baseline),
    by_size: bySize,
  };
}

async function main(): Promise<void> {
  answerHelp(`npm run bench:gateway -- [--json]
Messages a second, memory and latency of the gateway, beside a bare reader of the same bytes.`);
  const args = process.argv.slice(2);
  const long = args.includes('--long');
  const control_lines = benchControl();
  const preview_lines = benchPreviews();
  const three_instances = await benchInstances(long ? 60 : 15);
  const { abort_ms, rss_mb, compiled } = await benchProcess(long);
  const result = {
    preview_lines,
    control_lines,
    abort_ms,
    three_instances,
    rss_mb_after: rss_mb.end,
    rss_mb,
    compiled,
  };
  process.stdout.write(`${args.includes('--json') ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`);
}

await main();
