import type { Facts } from '../../facts.ts';
import { passed } from '../../wording.ts';

export const logsView = (facts: Facts) => ({ logsAge: passed(facts.last.log, facts) });
