import { channelRoutes } from './channels.ts';
import { listKeys, makeKey, revokeKey, rotateKey } from './keys.ts';
import { listTokens, makeToken, revokeToken } from './tokens.ts';
import { operatorRoutes } from '../operators/routes.ts';
import { routes } from '../operation.ts';

export const accessRoutes = routes(
  makeToken,
  listTokens,
  revokeToken,
  makeKey,
  listKeys,
  rotateKey,
  revokeKey,
  channelRoutes,
  operatorRoutes,
);
