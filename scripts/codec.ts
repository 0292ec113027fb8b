import { randomBytes } from 'node:crypto';
import { SealingCodec } from '../platform/codec/codec.ts';
import { parseCodecKeys } from '../platform/codec/keys.ts';
import { createCodecServer } from '../platform/codec/server.ts';
import { loadConfig, required } from '../platform/config.ts';
import { UsageError } from '../platform/errors.ts';
import { endWith } from '../platform/process.ts';
import { withStack } from '../stack/stack-file.ts';
import { answerHelp, readOptions } from './help.ts';

answerHelp(`npm run codec -- key
npm run codec -- serve [--port N] [--host ADDRESS]
key     a new key as a line for the file of TEMPORAL_CODEC_KEYS_FILE
serve   opens sealed payloads for Temporal's pages (Settings, Codec Server: http://127.0.0.1:8234) and its CLI (--codec-endpoint)
--port  8234
--host  127.0.0.1; whoever reaches another address reads every payload
docs/privacy.md says what is sealed and how keys are changed.`);

async function main(): Promise<void> {
  const { values, positionals } = readOptions({
    allowPositionals: true,
    options: { port: { type: 'string', default: '8234' }, host: { type: 'string', default: '127.0.0.1' } },
  });
  const [command, ...more] = positionals;
  if (more.length > 0 || (command !== 'key' && command !== 'serve'))
    throw new UsageError('Say key or serve; --help explains them.');
  if (command === 'key') {
    const name = new Date().toISOString().slice(0, 10);
    console.log(`${name}-${randomBytes(2).toString('hex')}:${randomBytes(32).toString('base64')}`);
    return;
  }
  const port = Number(values.port);
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536))
    throw new UsageError(`--port takes a port, not "${values.port}".`);
  const config = loadConfig(withStack().env);
  const codec = new SealingCodec(parseCodecKeys(required(config, 'TEMPORAL_CODEC_KEYS')));
  const origins = config.TEMPORAL_UI_URL ? [new URL(config.TEMPORAL_UI_URL).origin] : [];
  const server = createCodecServer(codec, origins);
  server.once('error', endWith);
  server.listen(port, values.host, () =>
    console.log(
      `Codec server on http://${values.host}:${port}, for ${origins.join(', ') || 'programs alone: set TEMPORAL_UI_URL for its pages'}.`,
    ),
  );
}

main().catch(endWith);
