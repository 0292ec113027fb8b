import { telescopeControl } from '../control/component.ts';
import { startPage } from '../shell.ts';

startPage({ telescopeControl });
