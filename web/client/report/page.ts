import type { Magics } from '../core/alpine.ts';
import { partsOf } from '../core/parts.ts';
import type { Night } from './night.ts';

/** The report's page as its parts see it: each adds what it brings, by a declaration in its own file. */
export interface ReportPage extends Magics {
  night: Night;
}

export const part = partsOf<ReportPage>();
