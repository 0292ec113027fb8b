import { siteWords } from './words/site.ts';
import { sessionWords } from './words/session.ts';
import { headerWords } from '../control/sections/header/words.ts';
import { controlsWords } from '../control/sections/controls/words.ts';
import { controlWords } from '../control/words.ts';
import { telescopeWords } from '../control/sections/telescope/words.ts';
import { graphsWords } from '../control/sections/graphs/words.ts';
import { sequenceWords } from '../control/sections/sequence/words.ts';
import { previewWords } from '../control/sections/preview/words.ts';
import { imagesWords } from '../control/sections/images/words.ts';
import { logsWords } from '../control/sections/logs/words.ts';
import { statsWords } from '../control/sections/stats/words.ts';
import { weatherWords } from '../control/sections/weather/words.ts';
import { preferencesWords } from './words/preferences.ts';
import { helpWords } from '../control/sections/help/words.ts';
import { reportWords } from './words/report.ts';
import { observationsWords } from './words/observations.ts';
import { adminWords } from './words/admin.ts';
import { bookWords } from './words/book.ts';

/** Every text of the pages: [French, English]. */
export const TEXT = {
  ...siteWords,
  ...sessionWords,
  ...headerWords,
  ...controlsWords,
  ...controlWords,
  ...telescopeWords,
  ...graphsWords,
  ...sequenceWords,
  ...previewWords,
  ...imagesWords,
  ...logsWords,
  ...statsWords,
  ...weatherWords,
  ...preferencesWords,
  ...helpWords,
  ...reportWords,
  ...observationsWords,
  ...adminWords,
  ...bookWords,
} as const;

export type TextKey = keyof typeof TEXT;
