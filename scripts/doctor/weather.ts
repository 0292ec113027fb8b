import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Config } from '../../platform/config.ts';
import { toError } from '../../platform/errors.ts';
import { signGatewayRequest } from '../../platform/gateway-auth.ts';
import type { Finding } from './finding.ts';

interface Source {
  name: string;
  ageSeconds: number | null;
  trouble: string | null;
}

/** Each weather source of a telescope as its gateway hears it: how old its newest reading is, or what its trouble is. */
export async function checkWeather(config: Config, telescope: Telescope): Promise<Finding[]> {
  if (!config.GATEWAY_SECRET) return [];
  const path = `/v1/telescopes/${telescope.id}/weather`;
  let sources: Source[];
  try {
    const response = await fetch(`${telescope.gateway_url}${path}`, {
      headers: signGatewayRequest(config.GATEWAY_SECRET, 'GET', path),
      signal: AbortSignal.timeout(4_000),
    });
    if (!response.ok) throw new Error(`the gateway answers ${response.status}`);
    ({ sources } = (await response.json()) as { sources: Source[] });
  } catch (thrown) {
    const detail = `not known: ${toError(thrown).message}`;
    return [{ what: `${telescope.id}: weather`, state: 'skipped', detail }];
  }
  const configured = telescope.weather.sources;
  return sources.map(({ name, ageSeconds, trouble }, i): Finding => {
    const what = `${telescope.id}: weather from ${name}`;
    const heard = ageSeconds === null ? 'never heard' : `heard ${Math.round(ageSeconds)} s ago`;
    if (trouble === null && ageSeconds !== null) return { what, state: 'ok', detail: heard };
    return {
      what,
      state: configured[i]?.optional ? 'warning' : 'problem',
      detail: trouble === null ? heard : `${trouble} (${heard})`,
      mend: mendOf(configured[i]),
    };
  });
}

function mendOf(source: Telescope['weather']['sources'][number] | undefined): string {
  if (source?.kind === 'alpaca')
    return `Does the ASCOM Alpaca device answer at ${source.url}, and is its number right?`;
  if (source?.kind === 'boltwood')
    return `Is ${source.path} there, is it written, and is \`timezone\` that of its clock?`;
  return 'Is a weather station connected in Voyager? Without it unknown weather counts as unsafe.';
}
