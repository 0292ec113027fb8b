import { endWith } from '../platform/process.ts';
import { checkCompose } from './deploy/compose.ts';
import { checkKubernetes, checkPm2, checkProxies, checkScripts, checkTemporal, checkUnits } from './deploy/files.ts';
import { checkImage } from './deploy/image.ts';
import type { Finding } from './doctor/finding.ts';
import { answerHelp, readOptions } from './help.ts';

answerHelp(`npm run deploy:check -- [--json]
Reads every deployment file as the tool does that it is for: Compose by the Compose Specification's schema, the image's file, Caddy, nginx and systemd by themselves,
Kubernetes by its schemas and kustomize, PM2, Prometheus, shell scripts. And checks that no secret has a default and every variable is one of ours.
A tool that is not installed is skipped and named. Exit code 1 when one refuses.`);

/** Every finding of every deployment file. */
const checkAll = (): Finding[] => [
  ...checkCompose(),
  checkImage(),
  ...checkProxies(),
  ...checkUnits(),
  checkPm2(),
  ...checkKubernetes(),
  ...checkScripts(),
  checkTemporal(),
];

async function main(): Promise<number> {
  const { values } = readOptions({ options: { json: { type: 'boolean', default: false } } });
  const findings = checkAll();
  const problems = findings.filter(({ state }) => state === 'problem').length;
  if (values.json) console.log(JSON.stringify({ ok: problems === 0, findings }));
  else {
    for (const { state, what, detail } of findings) console.log(`${state.padEnd(8)}${what}: ${detail}`);
    console.log(problems === 0 ? 'Every file is read as it is meant.' : `${problems} to mend.`);
  }
  return problems === 0 ? 0 : 1;
}

main().then((code) => process.exit(code), endWith);
