/** Keys of the payloads in Temporal: each has a name, so that what an older one sealed still opens. */
export interface CodecKeys {
  /** The first: what is written is sealed with it. */
  current: string;
  keys: ReadonlyMap<string, Buffer>;
}
const KEY_BYTES = 32;

/**
 * `name:base64` a line or comma, the newest first.
 * @throws Error saying what is wrong; a key is never repeated
 */
export function parseCodecKeys(text: string): CodecKeys {
  const keys = new Map<string, Buffer>();
  for (const entry of text.split(/[\n,]/)) {
    const line = entry.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', base64 = ''] = /^([\w.-]{1,40}):([A-Za-z0-9+/_-]+=*)$/.exec(line) ?? [];
    const key = Buffer.from(base64, 'base64');
    if (name === '' || key.length !== KEY_BYTES)
      throw new Error(
        `must be lines of name:key, each key ${KEY_BYTES} bytes in base64; \`npm run codec -- key\` makes one`,
      );
    if (keys.has(name)) throw new Error(`names "${name}" twice; each key has a name of its own`);
    keys.set(name, key);
  }
  const [current] = keys.keys();
  if (current === undefined) throw new Error('holds no key; `npm run codec -- key` makes one');
  return { current, keys };
}
