import { Receipt, type GatewayAbort } from '../../domain/contracts/control.ts';
import { TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { toError } from '../../platform/errors.ts';
import { signGatewayRequest } from '../../platform/gateway-auth.ts';
import { Problem } from '../errors.ts';

export interface Preview {
  jpeg: Buffer;
  etag: string | null;
  at: string | null;
}
export interface HistorySeries {
  series: Record<string, unknown>;
}

/** Clocks that differ by less are not why a signature was refused. */
const SKEW_MS = 5_000;

/** Requests to a telescope's gateway over HTTP, signed with GATEWAY_SECRET. Needs neither database nor Temporal. */
export class GatewayClient {
  /** By how much a gateway's clock was seen to be ahead of ours, where the difference made it refuse a signature. */
  private readonly aheadMs = new Map<string, number>();
  constructor(
    private readonly secret: string,
    private readonly now: () => number,
  ) {}

  /** Where the clocks of the two hosts differ the request is signed once more for the gateway's own, which its refusal carries. */
  private async send(
    telescope: Telescope,
    method: string,
    route: string,
    body: string,
    timeoutMs: number,
  ): Promise<Response> {
    const response = await this.sendOnce(telescope, method, route, body, timeoutMs);
    if (response.status !== 401) return response;
    const theirs = Date.parse(response.headers.get('date') ?? '');
    const ahead = theirs - this.now();
    if (!Number.isFinite(ahead) || Math.abs(ahead - (this.aheadMs.get(telescope.id) ?? 0)) < SKEW_MS) return response;
    this.aheadMs.set(telescope.id, ahead);
    await response.body?.cancel().catch(() => undefined);
    return this.sendOnce(telescope, method, route, body, timeoutMs);
  }
  private async sendOnce(
    telescope: Telescope,
    method: string,
    route: string,
    body: string,
    timeoutMs: number,
  ): Promise<Response> {
    const path = `/v1/telescopes/${encodeURIComponent(telescope.id)}/${route}`;
    const base = new URL(telescope.gateway_url);
    const full = `${base.pathname.replace(/\/$/, '')}${path}`;
    try {
      return await fetch(new URL(full, base), {
        method,
        headers: {
          ...signGatewayRequest(this.secret, method, full, body, this.now() + (this.aheadMs.get(telescope.id) ?? 0)),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body } : {}),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (thrown) {
      throw new Problem(
        'gateway_away',
        `The gateway of ${telescope.id} does not answer (${describe(thrown)}).`,
        {},
        { 'retry-after': '5' },
      );
    }
  }
  private static async refuse(response: Response, telescope: Telescope): Promise<never> {
    const text = (await response.text().catch(() => '')).slice(0, 300);
    throw new Problem(
      'gateway_away',
      `The gateway of ${telescope.id} answered ${response.status}${text ? `: ${text}` : ''}.`,
      { gateway_status: response.status },
    );
  }

  /** Emergency stop, or halt of everything that moves. @throws Problem `gateway_away`. */
  async stop(telescope: Telescope, what: 'abort' | 'halt', body: GatewayAbort, timeoutMs = 6_000): Promise<Receipt> {
    const response = await this.send(telescope, 'POST', what, JSON.stringify(body), timeoutMs);
    if (!response.ok && response.status !== 409) return GatewayClient.refuse(response, telescope);
    const parsed = Receipt.safeParse(await response.json().catch(() => null));
    if (!parsed.success)
      throw new Problem('gateway_away', `The gateway of ${telescope.id} gave an answer that is not a receipt.`);
    return parsed.data;
  }
  /** An operator says that an emergency of Voyager's, whose end nobody heard, is over. @throws Problem `gateway_away`. */
  async emergencyOver(telescope: Telescope, requestedBy: string): Promise<boolean> {
    const response = await this.send(
      telescope,
      'POST',
      'emergency-over',
      JSON.stringify({ requested_by: requestedBy }),
      5_000,
    );
    if (!response.ok) return GatewayClient.refuse(response, telescope);
    return ((await response.json()) as { ended?: boolean }).ended === true;
  }
  /** Tells the gate of maintenance; true when it is the one that guards the telescope. @throws Problem `gateway_away`. */
  async maintenance(telescope: Telescope, windows: { from: string; to: string }[]): Promise<boolean> {
    const response = await this.send(telescope, 'POST', 'maintenance', JSON.stringify({ windows }), 4_000);
    if (!response.ok) return GatewayClient.refuse(response, telescope);
    return ((await response.json()) as { known?: boolean }).known === true;
  }
  async state(telescope: Telescope, timeoutMs = 2_000): Promise<TelescopeState> {
    const response = await this.send(telescope, 'GET', 'state', '', timeoutMs);
    if (!response.ok) return GatewayClient.refuse(response, telescope);
    const parsed = TelescopeState.safeParse(await response.json().catch(() => null));
    if (!parsed.success)
      throw new Problem('gateway_away', `The gateway of ${telescope.id} gave a state that is not one.`);
    return parsed.data;
  }
  /** The newest picture, or null when there is none yet. */
  async preview(telescope: Telescope, timeoutMs = 4_000): Promise<Preview | null> {
    const response = await this.send(telescope, 'GET', 'preview.jpg', '', timeoutMs);
    if (response.status === 404) return null;
    if (!response.ok) return GatewayClient.refuse(response, telescope);
    return {
      jpeg: Buffer.from(await response.arrayBuffer()),
      etag: response.headers.get('etag'),
      at: response.headers.get('last-modified'),
    };
  }
  async history(telescope: Telescope, timeoutMs = 3_000): Promise<HistorySeries> {
    const response = await this.send(telescope, 'GET', 'history', '', timeoutMs);
    if (!response.ok) return GatewayClient.refuse(response, telescope);
    return (await response.json()) as HistorySeries;
  }
}

function describe(thrown: unknown): string {
  const error = toError(thrown);
  const cause = (error.cause as { code?: string } | undefined)?.code;
  return cause ?? (error.name === 'TimeoutError' ? 'no answer in time' : error.message);
}
