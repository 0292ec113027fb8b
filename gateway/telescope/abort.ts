import { randomUUID } from 'node:crypto';
import type { GatewayAbort, Receipt } from '../../domain/contracts/control.ts';
import type { CommandOutcome } from '../../domain/ports.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import { toError } from '../../platform/errors.ts';
import { atMost } from '../../platform/waiting.ts';
import type { VoyagerLink } from '../connection/link.ts';
import { buildRequest } from '../protocol/requests.ts';
import type { Attempts } from './attempts.ts';
import type { Diary } from './diary.ts';
import type { EmergencyWatch } from './emergency.ts';
import type { SafetyGate } from './gate.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import { ORPHAN_LATCH_MS, type Latch, type Latches } from './latches.ts';
import { done, reasonOf } from './outcomes.ts';
import type { SessionSignals } from './session-signals.ts';
import type { StateFile } from './state-file.ts';
import type { StopLadder } from './stop.ts';
import { stopsMeantBy } from './stops-meant.ts';
import { sameGuid, type Targets } from './targets.ts';

const RECHECK_LATCH_MS = 5_000;
/** How long a receipt waits for the latch's fsync, and for the telescope's word. */
const FLUSH_MS = 2_000;
const RECEIPT_MS = 4_000;

interface AbortParts {
  latches: Latches;
  kept: StateFile;
  ladder: StopLadder;
  targets: Targets;
  grants: Grants;
  gate: SafetyGate;
  link: VoyagerLink;
  emergency: EmergencyWatch;
  attempts: Attempts;
  diary: Diary;
  signals: SessionSignals;
}

/** The emergency path (docs/safety.md, 7): aborts and the halt, with Temporal and PostgreSQL dead too. */
export class Aborts {
  constructor(
    private readonly here: Here,
    private readonly parts: AbortParts,
  ) {}

  /**
   * Stops a booking's target now, with Temporal and PostgreSQL dead too: latch in the file, stop ladder, disabled until `releaseLatch`. Nothing
   * waits before the write to the socket; during Voyager's own emergency the latch waits for its end (docs/safety.md, 1 and 7).
   */
  async abort(request: GatewayAbort): Promise<Receipt> {
    if (this.here.readOnly) return this.receipt(request, 'refused', 'read_only');
    const stops = stopsMeantBy(request, this.parts.grants, this.here.clock.now());
    if (stops.length === 0)
      return this.receipt(request, 'confirmed', undefined, 'nothing that this service started is running');
    const running = stops.map((stop) => this.latchAndRun(stop, request));
    // The lines have left by now; only the receipt waits for the disk, and not for one that hangs.
    await atMost(
      this.here.clock,
      FLUSH_MS,
      this.parts.kept.flush().catch(() => undefined),
    );
    if (running.includes('waiting'))
      return this.parts.emergency.current
        ? this.receipt(request, 'accepted', 'voyager_emergency', 'latched: it runs when Voyager’s emergency has ended')
        : this.receipt(request, 'accepted', 'voyager_away', 'latched: it runs as soon as Voyager answers');
    const outcomes = await atMost(this.here.clock, RECEIPT_MS, Promise.all(running.filter((one) => one !== 'waiting')));
    const open = outcomes?.find((o) => o.outcome !== 'done');
    if (outcomes === null || open?.outcome === 'unknown')
      return this.receipt(request, 'sent', undefined, open?.message ?? undefined);
    return open
      ? this.receipt(request, 'accepted', open.reason ?? undefined, open.message ?? undefined)
      : this.receipt(request, 'confirmed');
  }
  /** Writes the latch down and runs it; `waiting` while Voyager may not or cannot be spoken to. A latch that stands confirmed is not run again. */
  private latchAndRun(
    stop: ReturnType<typeof stopsMeantBy>[number],
    request: GatewayAbort,
  ): Promise<CommandOutcome> | 'waiting' {
    const known = this.parts.latches.find(stop.commandId);
    if (known?.state === 'confirmed') return Promise.resolve(done());
    const nothing = stop.targetGuids.length === 0 && stop.setGuids.length === 0;
    const latch: Latch = known ?? {
      ...stop,
      requestedBy: request.requested_by,
      ...(request.reason ? { reason: request.reason } : {}),
      at: new Date(this.here.clock.now()).toISOString(),
      // Without a grant nothing of it was ever enabled: the latch keeps it so.
      state: nothing ? 'confirmed' : 'waiting',
    };
    if (!known) this.parts.latches.add(latch);
    const silent = this.parts.emergency.current !== null || !this.here.ready();
    let running: Promise<CommandOutcome> | 'waiting' = 'waiting';
    if (nothing) running = Promise.resolve(done());
    else if (!silent) running = this.runLatch(latch);
    if (!known) {
      this.parts.diary.note('abort', `by ${request.requested_by}`);
      for (const booking of this.bookingsOf(latch))
        this.parts.signals.event(booking, 'aborted_at_gateway', latch.commandId);
    }
    return running;
  }

  /** Halt of everything, the mount too: the admin's alone. Nothing is sent during Voyager's own emergency. */
  async halt(request: GatewayAbort): Promise<Receipt> {
    if (this.here.readOnly) return this.receipt(request, 'refused', 'read_only');
    if (this.parts.emergency.current) return this.receipt(request, 'refused', 'voyager_emergency');
    if (!this.here.ready()) return this.receipt(request, 'refused', 'voyager_away', this.here.whyAway() ?? undefined);
    const started = this.parts.grants
      .active()
      .filter((g) => g.targetGuid && Date.parse(g.start) <= this.here.clock.now());
    for (const grant of started)
      this.parts.latches.add({
        commandId: `${request.command_id ?? randomUUID()}/${grant.bookingId}`,
        bookingId: grant.bookingId,
        targetGuids: [grant.targetGuid!],
        setGuids: [],
        requestedBy: request.requested_by,
        reason: 'operator_abort',
        at: new Date(this.here.clock.now()).toISOString(),
        state: 'sent',
      });
    this.parts.diary.note('halt', `by ${request.requested_by}`);
    this.parts.gate.permitHalt();
    const outcomes = await this.parts.link.requestTogether([
      ...started.map((g) => this.parts.targets.statusRequest(g.targetGuid!, false)),
      buildRequest('Abort', { IsHalt: true }, { timeoutMs: 5_000 }),
    ]);
    for (const grant of started) this.parts.signals.event(grant.bookingId, 'aborted_at_gateway', 'halt');
    const failed = outcomes.find((o) => o.outcome !== 'done');
    if (!failed) return this.receipt(request, 'confirmed');
    return this.receipt(
      request,
      failed.outcome === 'refused' ? 'refused' : 'unknown',
      reasonOf(failed),
      failed.message,
    );
  }

  private bookingsOf(latch: Latch): string[] {
    if (latch.bookingId) return [latch.bookingId];
    return latch.targetGuids.flatMap((guid) => this.parts.grants.ofTarget(guid)?.bookingId ?? []);
  }
  private runLatch(latch: Latch): Promise<CommandOutcome> {
    return this.parts.attempts.run(latch.commandId, async () => {
      const sending = this.parts.ladder.stop(latch.targetGuids, { setGuids: latch.setGuids });
      if (this.here.ready() && !this.parts.emergency.current) this.parts.latches.setState(latch.commandId, 'sent');
      const outcome = await sending;
      if (outcome.outcome === 'done') this.parts.latches.setState(latch.commandId, 'confirmed');
      else if (outcome.outcome === 'refused') this.parts.latches.setState(latch.commandId, 'waiting');
      this.parts.diary.command(latch.commandId, 'stop', outcome, latch.bookingId);
      return outcome;
    });
  }
  private receipt(request: GatewayAbort, state: Receipt['state'], reason?: Reason, message?: string): Receipt {
    return {
      command_id: request.command_id ?? 'not named',
      kind: 'abort',
      state,
      ...(reason ? { reason } : {}),
      ...((message ?? reason) ? { message: message ?? reasonText(reason!, 'en') } : {}),
      ...(request.booking_id ? { booking_id: request.booking_id } : {}),
      telescope_id: this.here.id,
      at: new Date(this.here.clock.now()).toISOString(),
    };
  }

  /** Runs what waits, and looks whether what was confirmed has stayed so. Each latch by itself, without waiting for it. */
  keep(nowMs: number): void {
    for (const latch of this.parts.latches.all()) this.keepOne(latch, nowMs);
  }
  private keepOne(latch: Latch, nowMs: number): void {
    const grant = latch.bookingId ? this.parts.grants.find(latch.bookingId) : null;
    const over = grant ? grant.state !== 'active' : true;
    if (latch.state === 'confirmed' && over && nowMs - Date.parse(latch.at) > ORPHAN_LATCH_MS) {
      this.parts.latches.release(latch.commandId);
      return;
    }
    if (
      !this.here.ready() ||
      this.parts.emergency.current ||
      !this.parts.attempts.due(latch.commandId, latch.state === 'waiting' ? 0 : RECHECK_LATCH_MS)
    )
      return;
    if (latch.state !== 'confirmed') {
      this.runLatch(latch).catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'latched abort'),
      );
      return;
    }
    this.parts.attempts
      .run(latch.commandId, async () => {
        const list = await this.parts.targets.list();
        const enabled =
          list.ok && list.items.some((t) => t.enabled && latch.targetGuids.some((guid) => sameGuid(guid, t.guid)));
        if (enabled) await this.runLatch(latch);
      })
      .catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'latched abort'),
      );
  }
}
