import { startPage } from '../shell.ts';

startPage({});
