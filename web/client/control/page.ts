import { decks } from './decks.ts';
import { dialogs } from './dialogs.ts';
import icons from './icons.html';
import { keyboard } from './keyboard.ts';
import layout from './page.html';
import type { AnySection } from './section.ts';
import { controls } from './sections/controls/section.ts';
import { graphs } from './sections/graphs/section.ts';
import { header } from './sections/header/section.ts';
import { help } from './sections/help/section.ts';
import { images } from './sections/images/section.ts';
import { logs } from './sections/logs/section.ts';
import { preview } from './sections/preview/section.ts';
import { sequence } from './sections/sequence/section.ts';
import { stats } from './sections/stats/section.ts';
import { telescope } from './sections/telescope/section.ts';
import { weather } from './sections/weather/section.ts';

/** Sections by the name with which page.html gives them their place. */
const PLACED: Record<string, AnySection> = {
  header,
  preview,
  sequence,
  images,
  telescope,
  graphs,
  weather,
  stats,
  logs,
  controls,
  help,
};

export const SECTIONS: readonly AnySection[] = [...Object.values(PLACED), decks, dialogs, keyboard];

/** The page's markup: its layout with each section in its place, and the dialogs behind it. */
export const MARKUP =
  icons +
  layout.replace(/<!-- (\w+) -->/g, (_, name: string) =>
    name === 'dialogs' ? SECTIONS.map((one) => one.dialogs ?? '').join('') : (PLACED[name]?.html ?? ''),
  );
