import { Prisma } from '../../../prisma/client/client.ts';

/** `skeleton` of ./paths.ts in SQL, of a column or an expression of ours. */
export const skeletonSql = (column: string): Prisma.Sql =>
  Prisma.raw(`lower(regexp_replace(normalize(replace(coalesce(${column}, ''), '\\', '/'), NFD), '[^ -~]', '', 'g'))`);
