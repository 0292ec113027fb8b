import { admin } from '../admin/component.ts';
import { complaintDesk, csvExport, silenceDesk, voyagerLog } from '../admin/desk.ts';
import { operatorDesk, operatorDoor } from '../admin/operators.ts';
import { startPage } from '../shell.ts';

startPage({ admin, complaintDesk, silenceDesk, csvExport, voyagerLog, operatorDoor, operatorDesk });
