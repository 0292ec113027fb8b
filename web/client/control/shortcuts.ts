import { say } from '../i18n/index.ts';
import { keys as controls } from './sections/controls/keys.ts';
import { keys as help } from './sections/help/keys.ts';
import { keys as logs } from './sections/logs/keys.ts';
import { keys as preview } from './sections/preview/keys.ts';

/** The keys of all sections, as the help lists them. */
export const SHORTCUTS = [...controls, ...preview, ...logs, ...help] as const;

/** Each key as it is written and what it does, in the viewer's language. */
export const shortcutsInWords = (): { key: string; text: string }[] =>
  SHORTCUTS.map(({ key }) =>
    key === ' '
      ? { key: say('key.name.space'), text: say('key.space') }
      : { key: key.toUpperCase(), text: say(`key.${key}`) },
  );
