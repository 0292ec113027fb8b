import { resolveTemporal } from '../../stack/temporal-cli.ts';

/** The time-skipping server's binary, fetched on first use. */
export const testServerPath = async (): Promise<string> => (await resolveTemporal('temporal-test-server')).path;
