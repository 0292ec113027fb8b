import { complaints } from '../report/complaints.ts';
import { reportPage } from '../report/component.ts';
import { startPage } from '../shell.ts';

startPage({ report: reportPage, complaints });
