import { agesOf } from './ages.ts';
import { factsOf, type ViewInput } from './facts.ts';
import { controlsView } from './sections/controls/view.ts';
import { graphsView } from './sections/graphs/view.ts';
import { headerView } from './sections/header/view.ts';
import { imagesView } from './sections/images/view.ts';
import { logsView } from './sections/logs/view.ts';
import { previewView } from './sections/preview/view.ts';
import { sequenceView } from './sections/sequence/view.ts';
import { statsView } from './sections/stats/view.ts';
import { telescopeView } from './sections/telescope/view.ts';
import { weatherView } from './sections/weather/view.ts';

export type { ViewInput };

/** What the page shows: plain strings and flags, so that one update touches only what has changed. */
export type View = ReturnType<typeof buildView>;

/** Everything the control page shows, out of snapshot, mirror and the time. */
export function buildView(input: ViewInput) {
  const facts = factsOf(input);
  return {
    ...headerView(facts),
    ...controlsView(facts),
    ...previewView(facts),
    ...sequenceView(facts),
    ...imagesView(facts),
    ...telescopeView(facts),
    ...graphsView(facts),
    ...weatherView(facts),
    ...statsView(facts),
    ...logsView(facts),
    age: agesOf(facts),
  };
}

/** Takes the new view over, and leaves alone what is the same: a change of any value is a change of the page. */
export function refresh(shown: View, next: View): void {
  for (const key of Object.keys(next.age) as (keyof View['age'])[])
    if (next.age[key].text !== shown.age[key].text || next.age[key].stale !== shown.age[key].stale)
      shown.age[key] = next.age[key];
  const is = shown as unknown as Record<string, unknown>;
  for (const [key, value] of Object.entries(next)) {
    if (key === 'age') continue;
    const changed = typeof value === 'object' ? JSON.stringify(value) !== JSON.stringify(is[key]) : value !== is[key];
    if (changed) is[key] = value;
  }
}
