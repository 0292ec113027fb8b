import { routes } from '../operation.ts';
import { makePasskey, passkeyOptions } from './enrol.ts';
import { inviteAgain, inviteOperator } from './invite.ts';
import { login, loginOptions } from './login.ts';
import { endOperator, endSession, listOperators, removePasskey } from './manage.ts';

export const operatorRoutes = routes(
  inviteOperator,
  listOperators,
  inviteAgain,
  endOperator,
  removePasskey,
  endSession,
  passkeyOptions,
  makePasskey,
  loginOptions,
  login,
);
