import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SMTPServer } from 'smtp-server';
import { toError } from '../../platform/errors.ts';

/** A mail server that sends nothing on: each letter becomes a file that a mail program opens. */
export interface LetterBox {
  /** For SMTP_URL. */
  url: string;
  stop(): Promise<void>;
}

/** @returns null where the program that takes letters in is not installed (it comes with the development dependencies) */
export async function openLetterBox(folder: string, report: (line: string) => void): Promise<LetterBox | null> {
  let Program: typeof SMTPServer;
  try {
    ({ SMTPServer: Program } = await import('smtp-server'));
  } catch (thrown) {
    report(`Letters are not kept: ${toError(thrown).message.split('\n')[0]}`);
    return null;
  }
  mkdirSync(folder, { recursive: true });
  let letters = 0;
  const server = new Program({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, taken) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address.replace(/[^\w.@+-]/g, '_')).join(',');
        const at = new Date().toISOString().replaceAll(':', '').slice(0, 17);
        writeFileSync(join(folder, `${at}Z-${String(++letters).padStart(3, '0')}-${to}.eml`), Buffer.concat(parts));
        taken();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
