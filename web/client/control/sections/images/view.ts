import { number } from '../../../core/format.ts';
import type { Facts } from '../../facts.ts';
import { passed } from '../../wording.ts';

export function imagesView(facts: Facts) {
  const { snapshot, last, locale, over, say } = facts;
  const captured = snapshot?.images.captured ?? 0;
  return {
    imagesEmpty: say(over ? 'images.over' : 'images.none'),
    imagesCount: say(captured === 1 ? 'images.one' : 'images.count', { n: number(captured, locale) }),
    imagesAge: passed(last.frame?.captured_at, facts),
  };
}
