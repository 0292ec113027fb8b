import { QUEUE_FINALISE, QUEUE_SESSION } from '../domain/queues.ts';
import { buildId as ownBuild } from '../platform/build.ts';
import { loadConfig } from '../platform/config.ts';
import { describeDeployment, polledVersions } from '../platform/deployment.ts';
import { UsageError } from '../platform/errors.ts';
import { endWith } from '../platform/process.ts';
import { createTemporalClient, temporalData } from '../platform/temporal.ts';
import { withStack } from '../stack/stack-file.ts';
import { workflowCode } from '../worker/options.ts';
import { answerHelp, readOptions } from './help.ts';
import { promote, ramp, requireWorkers, rollback, type Outcome } from './release/release.ts';
import { replayOpen } from './release/replay.ts';

answerHelp(`npm run release -- status
npm run release -- ramp --percent N
npm run release -- promote
npm run release -- rollback [--build ID]
Which version of the worker gets the sessions. A worker never decides that itself: start those of the new version beside the old ones, then promote.
ramp      gives N % of the sessions to this build; 0 takes them back
promote   gives all of them to this build
rollback  ends a ramp, else goes back to the version that was the current one before
--build   another version than that of this checkout (status lists them)
--watch   seconds for which ramp and promote watch the sessions (60), and go back by themselves when one fails that did not before
--wait    seconds to wait for a worker of the version (60)
--no-replay  without replaying every open history with this build first
--json    the outcome as one line of JSON
Exit code 1 when it was taken back, or a history does not replay. docs/releases.md has the whole story.`);

const percentOf = (text: string | undefined): number => {
  const percent = Number(text);
  if (text === undefined || !(percent >= 0 && percent <= 100))
    throw new UsageError('ramp needs --percent from 0 to 100, for example --percent 10.');
  return percent;
};
const secondsOf = (name: string, text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 86_400)) throw new UsageError(`--${name} takes seconds, not "${text}".`);
  return seconds;
};

async function main(): Promise<number> {
  const { values, positionals } = readOptions({
    allowPositionals: true,
    options: {
      build: { type: 'string' },
      percent: { type: 'string' },
      watch: { type: 'string', default: '60' },
      wait: { type: 'string', default: '60' },
      'no-replay': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [command, ...more] = positionals;
  if (!['status', 'ramp', 'promote', 'rollback'].includes(command ?? '') || more.length > 0)
    throw new UsageError('Say one of status, ramp, promote, rollback; --help explains them.');
  const watch = { seconds: secondsOf('watch', values.watch), everyMs: 2_000 };
  const waitMs = secondsOf('wait', values.wait) * 1000;
  const percent = command === 'ramp' ? percentOf(values.percent) : 100;
  const config = loadConfig(withStack().env);
  const { client, connection } = createTemporalClient(config);
  const report = (line: string): void => void (values.json || console.log(line));
  const tell = (done: Outcome): number => {
    if (values.json) console.log(JSON.stringify(done));
    return done.stands ? 0 : 1;
  };
  try {
    if (command === 'status') {
      const [deployment, polled] = [await describeDeployment(client), await polledVersions(client)];
      const versions = deployment.versions.map((one) => ({ ...one, polled: polled.has(one.buildId) }));
      if (values.json) console.log(JSON.stringify({ ...deployment, versions, own: ownBuild() }));
      else for (const one of versions) console.log(`${one.buildId}  ${one.state}${one.polled ? '' : ', no worker'}`);
      if (!deployment.current) report('No version is the current one: npm run release -- promote.');
      return 0;
    }
    if (command === 'rollback') return tell(await rollback(client, values.build, report));
    const buildId = values.build ?? ownBuild();
    if (percent > 0) await requireWorkers(client, buildId, waitMs);
    if (percent > 0 && buildId === ownBuild() && !values['no-replay']) {
      const { replayed, failed } = await replayOpen(client, { ...workflowCode(), ...temporalData(config) }, [
        QUEUE_SESSION,
        QUEUE_FINALISE,
      ]);
      report(`${replayed} open histories replayed with this build.`);
      const names = Object.keys(failed);
      if (names.length > 0) {
        console.error(`Not released: ${names.map((name) => `${name}: ${failed[name]}`).join('\n')}`);
        return 1;
      }
    }
    return tell(
      command === 'ramp'
        ? await ramp(client, { buildId, percent, watch }, report)
        : await promote(client, { buildId, watch }, report),
    );
  } finally {
    await connection.close();
  }
}

main().then((code) => process.exit(code), endWith);
