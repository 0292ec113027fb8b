import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  TimeoutFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  log,
  patched,
  setCurrentDetails,
  setWorkflowOptions,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import { pictureOf } from '../../domain/watch.ts';
import type {
  CommandOutcome,
  FinaliseInput,
  FinaliseResult,
  Grant,
  ObjectsPlan,
  Observation,
  Transition,
  WatchPlan,
} from '../../domain/ports.ts';
import type { WebhookType } from '../../domain/contracts/event.ts';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import type { ReceiptState } from '../../domain/contracts/control.ts';
import { FINALISE_WORKFLOW, type SessionInput } from '../../domain/messages.ts';
import { isFinal, type HoldCause, type Outcome, type Phase } from '../../domain/phases.ts';
import { QUEUE_FINALISE, finaliseWorkflowId } from '../../domain/queues.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { frames, planning, records, settling, telescope } from './activities.ts';
import { ATTRIBUTES } from './attributes.ts';
import { wire } from './messages.ts';
import {
  HOUR_MS,
  badWeatherSeen,
  debounceLeftMs,
  inMaintenance,
  judge,
  lostToWeather,
  minimumUsefulSeconds,
  planFinished,
  preparationHold,
  preparationMilestones,
  preparationPaceMs,
  watchPlan,
  type Verdict,
} from './policy.ts';
import { PATCHES } from './patches.ts';
import { Projector } from './projection.ts';
import { stateOf, type Control, type Ending, type SessionState } from './state.ts';

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, session);

/** One booking from its acceptance to its end: waits for J-1, prepares, waits for H, watches the night, wraps up. */
export async function session(input: SessionInput): Promise<{ outcome: Outcome; reason: Reason | null }> {
  return new Night(stateOf(input), input.maxHistoryEvents ?? null).run();
}

const ENDING_EVENTS: Record<Outcome, WebhookType> = {
  completed: 'session.completed',
  cancelled: 'session.cancelled',
  aborted: 'session.aborted',
  weathered_out: 'session.weathered_out',
  failed: 'session.failed',
};
const SECOND = 1000;
const CONFIRM_TRIES = 6;
const CONFIRM_EVERY_MS = 2 * SECOND;
/** While Voyager carries out an emergency it is looked at this often, in reports of so many looks. */
const EMERGENCY_EVERY_SECONDS = 30;
const EMERGENCY_LOOKS = 40;
/** The first pause before a disable or stop that failed is tried again; it doubles. */
const STOP_AGAIN_MS = 15 * SECOND;
/** A look that a control waits for is given up after this long. */
const QUICK_LOOK_MS = 8 * SECOND;
/** Endings that are neither the guest's nor the sky's: what is left of the slot is an outage. */
const OUR_DOING: readonly Reason[] = ['operator_abort', 'maintenance'];
/** Weather that has been unknown for so long is told to the operator. */
const UNKNOWN_SKY_MS = 600 * SECOND;
/** Two looks at the telescope are at least this far apart, however fast it calls. */
const LEAST_BETWEEN_CHECKS_MS = 2 * SECOND;

class Night {
  private readonly projector: Projector;
  private readonly background = new CancellationScope();
  private readonly projecting: Promise<void>;
  private over = false;
  private lastObservation: Observation | null = null;
  private lastCheckAt = 0;

  constructor(
    private readonly state: SessionState,
    private readonly maxHistoryEvents: number | null,
  ) {
    wire(state);
    this.projector = new Projector(state);
    this.projecting = CancellationScope.nonCancellable(() => this.projector.run());
  }

  async run(): Promise<{ outcome: Outcome; reason: Reason | null }> {
    const draining = this.background
      .run(() => this.drainFrames())
      .catch((thrown: unknown) => {
        if (!isCancellation(thrown)) throw thrown;
      });
    let ending: Ending;
    try {
      if (!this.state.data.booking) {
        // Also when it is cancelled by then: without its booking a session cannot even be ended.
        this.state.data.booking = await CancellationScope.nonCancellable(() =>
          records.loadBooking.executeWithOptions({ summary: 'booking' }, [
            { bookingId: this.state.bookingId, now: nowIso() },
          ]),
        );
        this.state.data.firstEnd = this.state.booking.end;
        this.state.data.maintenance = this.state.booking.maintenance;
        if (this.state.adopted) this.adopt();
        if (this.state.data.transition === 0)
          this.transition('scheduled', {
            event: 'scheduled',
            message: 'The session waits for its preparation.',
            messageFr: 'La session attend sa préparation.',
          });
        if (this.state.booking.cancelled && !this.begun)
          this.state.data.ending ??= { outcome: 'cancelled', reason: 'user_cancel', commandId: null };
      }
      ending = this.state.data.ending ?? (await this.live());
    } catch (thrown) {
      if (!isCancellation(thrown)) throw thrown;
      ending = { outcome: this.begun ? 'aborted' : 'cancelled', reason: 'operator_abort', commandId: null };
    }
    return CancellationScope.nonCancellable(async () => {
      this.over = true;
      await this.end(ending);
      this.background.cancel();
      await draining;
      this.state.closed = true;
      this.refuseAll('session_over');
      await this.projector.flush();
      await condition(allHandlersFinished);
      await this.projector.flush();
      this.projector.stop();
      await this.projecting;
      return { outcome: ending.outcome, reason: ending.reason };
    });
  }

  /** Another run of this session is gone without having wrapped it up (activities/session/lost.ts). */
  private adopt(): void {
    const message = 'The session’s workflow was gone; another one takes over from what was recorded.';
    this.log({
      level: 'WARNING',
      event: 'taken_over',
      message,
      messageFr: 'Le déroulement de la session avait disparu ; un autre reprend à partir de ce qui a été noté.',
    });
    this.alertOnce('taken_over', 'internal_error', message);
    if (this.state.data.ending) return;
    // The booking that was just read has them.
    for (const { commandId, kind } of this.state.data.receipts)
      if (kind === 'amend' || kind === 'reschedule' || kind === 'extend') this.receipt(commandId, 'confirmed');
  }

  /** From the first day to the reason why it ends. */
  private async live(): Promise<Ending> {
    for (;;) {
      const { phase, prepared } = this.state.data;
      const ending =
        phase === 'scheduled'
          ? await this.waitToPrepare()
          : !prepared
            ? await this.prepare()
            : phase === 'prepared' || phase === 'preparing'
              ? await this.waitToStart()
              : await this.watch();
      if (ending) {
        this.state.data.ending = ending;
        return ending;
      }
    }
  }

  // ── before the night ────────────────────────────────────────────────────────────────────────────────────────────

  private async waitToPrepare(): Promise<Ending | null> {
    const at = Math.min(Date.parse(this.state.booking.prepareAt), this.state.startMs);
    this.state.data.next = { what: 'prepare', at: new Date(at).toISOString() };
    while (Date.now() < at) {
      await this.wait(at, 'preparation');
      const done = await this.controls();
      if (done !== 'nothing') return done === 'restarted' ? null : done;
    }
    this.transition('preparing', {
      event: 'preparing',
      message: 'Preparing the observation at the telescope.',
      messageFr: 'Préparation de l’observation au télescope.',
    });
    return null;
  }

  private async prepare(): Promise<Ending | null> {
    const { state } = this;
    for (let attempt = 1; ; attempt++) {
      if (this.shouldContinueAsNew()) await this.continueAsNew();
      const controlled = await this.controls();
      if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
      if (state.events.length > 0 && patched(PATCHES.promptStop)) {
        const heard = await this.heardWhilePreparing();
        if (heard) return heard;
        continue;
      }
      const now = Date.now();
      if (now + this.minimumUsefulMs() >= state.endMs)
        return (state.adopted && state.data.started) || this.weatheredOut()
          ? this.slotOver()
          : { outcome: 'failed', reason: state.data.reason ?? 'preparation_failed', commandId: null };
      if (this.maintained()) {
        await this.waitForMaintenance();
        continue;
      }

      const { alertAt, deadlineAt } = preparationMilestones(state.startMs);
      const patience = [alertAt, deadlineAt, state.startMs, now + 60 * SECOND].find((at) => at > now)!;
      const problem = await this.interruptible(() => this.prepareOnce(Math.max(15 * SECOND, patience - now)));
      if (problem === undefined) continue;
      if (problem === null) {
        state.data.prepared = true;
        const late = Date.now() >= state.startMs;
        this.transition(
          late ? 'starting' : 'prepared',
          {
            event: 'prepared',
            message: 'Set, target and shots stand in Voyager and were read back.',
            messageFr: 'Set, cible et poses sont dans Voyager et vérifiés.',
          },
          {
            objects: true,
            ...(state.data.alerts.includes('prepared')
              ? {}
              : {
                  notify: {
                    type: 'session.prepared',
                    data: { set_guid: state.booking.plan.set.Guid, target_guid: state.booking.plan.target.GuidTarget },
                  },
                }),
          },
        );
        return null;
      }
      await this.preparationTrouble(problem, attempt, { alertAt, deadlineAt });
      const tried = Date.now();
      const pace = patched(PATCHES.patience)
        ? preparationPaceMs(state.booking.policy, state.startMs, tried)
        : Math.min(state.booking.policy.check_interval * SECOND, 300 * SECOND);
      const retryAt = Math.min(tried + pace, tried < state.startMs ? state.startMs : Infinity);
      state.data.next = { what: 'prepare', at: new Date(retryAt).toISOString() };
      await this.waitFor(retryAt, () => this.called(), 'preparation again');
    }
  }

  /** A control, or something that the observatory tells of, waits to be looked at. */
  private called(): boolean {
    return this.state.data.inbox.length > 0 || (this.state.events.length > 0 && patched(PATCHES.promptStop));
  }
  /**
   * What is told while no check looks: an abort that the gateway has latched goes into the inbox, a maintenance that begins now is read. The
   * ending when that maintenance cancels what falls into it.
   */
  private async heardWhilePreparing(): Promise<Ending | null> {
    const { state } = this;
    const told = state.events.splice(0);
    if (told.some((event) => event.kind === 'aborted_at_gateway')) {
      const seen = await this.observe(QUICK_LOOK_MS);
      if (seen) this.takeLatch(seen);
    }
    if (told.some((event) => event.detail === 'maintenance')) await this.interruptible(() => this.reload());
    const { maintenance } = state.data;
    return Date.now() >= state.startMs && maintenance?.bookings === 'cancel' && inMaintenance(maintenance, Date.now())
      ? { outcome: 'failed', reason: 'maintenance', commandId: null }
      : null;
  }
  /** Inside the slot somebody works at the telescope: nothing is prepared for it then. */
  private maintained(): boolean {
    const { state } = this;
    const now = Date.now();
    return now >= state.startMs && inMaintenance(state.data.maintenance, now) && patched(PATCHES.maintenance);
  }
  private async waitForMaintenance(): Promise<void> {
    const { state } = this;
    this.sinceWhen = '';
    this.holding('maintenance', 'maintenance', 'outage', null);
    const until = Math.min(Date.parse(state.data.maintenance!.to), state.endMs - this.minimumUsefulMs());
    state.data.next = { what: 'prepare', at: new Date(until).toISOString() };
    await this.waitFor(until, () => this.called(), 'end of the maintenance');
  }
  /** An abort that the gateway has latched and no workflow has taken over, with who asked for it and why. */
  private takeLatch({ latchedAbort: latch }: Observation): void {
    if (!latch || latch.commandId === this.state.data.takenOver) return;
    this.state.receive('abort', {
      commandId: latch.commandId,
      requestedBy: latch.requestedBy,
      alreadyStopped: true,
      ...(latch.reason ? { reason: latch.reason } : {}),
    });
  }

  /** One try; null when everything stands and was read back. */
  private async prepareOnce(patienceMs: number): Promise<Problem | null> {
    const { state } = this;
    const t = telescope(state.telescopeId, patienceMs);
    try {
      const site = await t.reads.checkSite.executeWithOptions({ summary: 'site' }, [
        { telescopeId: state.telescopeId, bookingId: state.bookingId },
      ]);
      const first = site.problems[0];
      if (!site.ok && first) return first;
      const granted = await this.submit(() =>
        t.commands.registerGrant.executeWithOptions({ summary: 'grant' }, [this.grant()]),
      );
      if (granted.outcome !== 'done')
        return {
          reason: granted.reason ?? 'preparation_failed',
          message: granted.message ?? 'the grant was not taken',
        };
      state.data.objectsMade = true;
      const made = await t.objects.ensureObjects.executeWithOptions({ summary: 'set, target, shots' }, [
        { grant: this.grant(), plan: state.booking.plan },
      ]);
      if (made.outcome !== 'done')
        return {
          reason: made.reason ?? 'preparation_failed',
          message: made.message ?? 'the objects could not be written',
        };
      const read = await t.reads.readObjects.executeWithOptions({ summary: 'read back' }, [
        { telescopeId: state.telescopeId, plan: state.booking.plan },
      ]);
      if (read.differences.length > 0)
        return {
          reason: 'preparation_failed',
          message: `read back otherwise: ${read.differences.slice(0, 5).join('; ')}`,
        };
      state.data.voyagerShots = made.shots;
      await this.removeObsolete();
      return null;
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      return unreachable(thrown);
    }
  }

  private async preparationTrouble(
    problem: Problem,
    attempt: number,
    milestones: { alertAt: number; deadlineAt: number },
  ): Promise<void> {
    const { state } = this;
    const now = Date.now();
    if (now >= milestones.alertAt) this.alertOnce('preparation', problem.reason, problem.message);
    if (now >= milestones.deadlineAt && !state.data.alerts.includes('preparation_late')) {
      state.data.alerts.push('preparation_late');
      this.log(
        { level: 'ERROR', event: 'preparation_late', message: problem.message, messageFr: REASONS[problem.reason].fr },
        { type: 'error.occurred', data: { reason: problem.reason } },
      );
    }
    if (now >= state.startMs) {
      await this.holdPreparation(problem);
      return;
    }
    if (state.data.reason !== problem.reason) {
      this.transition(
        'preparing',
        {
          level: 'WARNING',
          event: 'preparation_problem',
          message: problem.message,
          messageFr: REASONS[problem.reason].fr,
        },
        { reason: problem.reason },
      );
    } else log.info('still not prepared', { attempt, reason: problem.reason });
  }

  /** Time of the slot that passes without a preparation: what the sky and Voyager show now says whose it is. */
  private async holdPreparation(problem: Problem): Promise<void> {
    if (!patched(PATCHES.cause)) {
      this.holding('fault', problem.reason, 'outage', problem.message);
      return;
    }
    const seen = await this.interruptible(() => this.observe(15 * SECOND));
    if (seen === undefined) return;
    if (seen) this.noteLook(seen);
    const verdict = seen ? judge(seen, this.circumstances(null)) : null;
    const { cause, reason, ledger } = preparationHold(problem.reason, verdict);
    this.holding(cause, reason, ledger, cause === 'weather' ? null : problem.message);
  }

  private async waitToStart(): Promise<Ending | null> {
    const { state } = this;
    if (state.data.phase === 'preparing')
      this.transition('prepared', { event: 'prepared', message: 'Prepared.', messageFr: 'Préparée.' });
    const soonAt = state.startMs - HOUR_MS;
    for (;;) {
      if (this.shouldContinueAsNew()) await this.continueAsNew();
      const now = Date.now();
      if (now >= state.startMs) break;
      if (now >= soonAt && !state.data.alerts.includes('soon') && now < soonAt + HOUR_MS / 2) {
        state.data.alerts.push('soon');
        this.log(
          {
            level: 'INFO',
            event: 'starting_soon',
            message: 'The session starts in an hour.',
            messageFr: 'La session démarre dans une heure.',
          },
          { type: 'session.starting_soon', data: { start: state.booking.start } },
        );
      }
      const until = now < soonAt ? soonAt : state.startMs;
      state.data.next = { what: 'start', at: state.booking.start };
      await this.wait(until, until === soonAt ? 'one hour before' : 'start of the slot');
      const controlled = await this.controls();
      if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
    }
    this.transition('starting', { event: 'starting', message: 'The slot begins.', messageFr: 'Le créneau commence.' });
    return null;
  }

  // ── the night ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** The loop of checks: look, judge, act, wait. Returns when the session ends, or null when it goes back to waiting. */
  private async watch(): Promise<Ending | null> {
    const { state } = this;
    for (;;) {
      if (this.shouldContinueAsNew()) await this.continueAsNew();
      const controlled = await this.controls();
      if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
      if (Date.now() >= state.endMs) return this.slotOver();

      const earliest = this.lastCheckAt + LEAST_BETWEEN_CHECKS_MS;
      if (!this.quiet && Date.now() < earliest)
        await this.waitFor(Math.min(earliest, state.endMs), () => state.data.inbox.length > 0, 'between two checks');
      if (state.data.inbox.length > 0) continue;
      const seen = await this.check();
      if (seen === undefined) continue;
      if (seen) this.takeLatch(seen);
      if (seen?.latchedAbort && state.data.inbox.length > 0) continue;
      const { maintenance } = state.data;
      const cancels = maintenance?.bookings === 'cancel' && inMaintenance(maintenance, Date.now());
      if (cancels && (seen || patched(PATCHES.maintenance)))
        return { outcome: state.data.started ? 'aborted' : 'failed', reason: 'maintenance', commandId: null };
      if (seen && state.data.started && planFinished(seen, state.plannedShots()))
        return { outcome: 'completed', reason: 'plan_finished', commandId: null };

      let verdict = judge(seen, this.circumstances(null));
      if (verdict.go) {
        const refusal = state.data.engaged ? null : await this.engage(seen!);
        if (refusal && this.cutShort()) continue;
        this.registered = refusal === 'foreign_target' ? JSON.stringify(this.grant()) : null;
        if (refusal) verdict = judge(seen, this.circumstances(refusal));
        else {
          this.running(verdict.advisory);
          if (state.waiting('resume').length > 0 && patched(PATCHES.promptStop)) this.confirmResumes();
          if (await this.keepOurs(seen!)) continue;
        }
      }
      if (!verdict.go) {
        await this.hold(verdict, seen);
        if (this.cutShort()) continue;
        const tooLate = await this.nothingFits(verdict);
        if (tooLate) return tooLate;
      }
      await this.waitForNextCheck(verdict, seen);
    }
  }

  /** One look, or the end of a quiet watch; null when the gateway does not answer, undefined when a control came in between. */
  private async check(): Promise<Observation | null | undefined> {
    const { state } = this;
    // What is told meanwhile asks for a look now, not for another watch.
    const quiet = state.events.length > 0 ? null : this.quiet;
    this.quiet = null;
    const eventAt = state.events.reduce<string | null>(
      (first, e) => (first === null || e.at < first ? e.at : first),
      null,
    );
    state.events.length = 0;
    this.lastCheckAt = Date.now();
    const pausing = state.data.userPaused && state.waiting('pause').some((receipt) => receipt.state !== 'unknown');
    const patience = this.gatewayAway
      ? Math.max(60, state.booking.policy.check_interval) * SECOND
      : pausing
        ? QUICK_LOOK_MS
        : 60 * SECOND;
    const maintenance = JSON.stringify(state.data.maintenance);
    const called = (): boolean =>
      state.data.inbox.length > 0 || state.events.length > 0 || JSON.stringify(state.data.maintenance) !== maintenance;
    const seen = quiet
      ? await this.interruptibleBy(called, () => this.keepWatch(quiet))
      : await this.interruptible(() =>
          this.observe(Math.max(5 * SECOND, Math.min(patience, state.endMs - Date.now()))),
        );
    if (quiet && !seen) this.checkAtOnce();
    if (seen === undefined) return undefined;
    this.lastCheckAt = Date.now();
    const now = this.lastCheckAt;
    state.data.checks += 1;
    this.sinceWhen =
      eventAt !== null && eventAt > new Date(Math.max(state.startMs, now - 10 * 60 * SECOND)).toISOString()
        ? eventAt
        : nowIso();
    this.lastObservation = seen;
    if (seen) {
      this.noteLook(seen);
      for (const [guid, done] of Object.entries(seen.shotsDone ?? {}))
        state.data.shotsDone[guid] = Math.max(state.data.shotsDone[guid] ?? 0, done);
      this.projector.push({
        kind: 'check',
        body: { bookingId: state.bookingId, telescopeId: state.telescopeId, at: nowIso(), observation: seen },
      });
    }
    return seen;
  }
  private noteLook(seen: Observation): void {
    this.lastObservation = seen;
    this.state.data.badWeather = badWeatherSeen(seen, this.state.data.badWeather ?? false);
  }
  /** Since when what the last check saw has been so: the first event that called for it, else the check itself. */
  private sinceWhen = '';

  private async observe(patienceMs: number): Promise<Observation | null> {
    this.gatewayAway = false;
    try {
      return await telescope(this.state.telescopeId, patienceMs).reads.observe.executeWithOptions(
        { summary: 'check' },
        [{ grant: this.grant() }],
      );
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      this.gatewayAway = patched(PATCHES.quiet) && unreachable(thrown).reason === 'gateway_away';
      return null;
    }
  }
  /** The last look waited in vain for a gateway: the next one waits in its queue for as long as a check interval, and is answered when it is back. */
  private gatewayAway = false;

  /** The watch that the next check consists of, instead of a timer and a look. */
  private quiet: WatchPlan | null = null;
  /** Looks until something changes; undefined when the watch itself failed, and a plain look must tell why. */
  private async keepWatch(plan: WatchPlan): Promise<Observation | undefined> {
    try {
      const summary = `${plan.looks > 1 ? `${plan.looks} checks` : 'check'} every ${plan.everySeconds} s`;
      return await telescope(this.state.telescopeId).watching.watch.executeWithOptions({ summary }, [
        { grant: this.grant(), plan },
      ]);
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      log.warn('the watch ended; looking again', { error: thrown.cause?.message });
      return undefined;
    }
  }

  private circumstances(refusal: Reason | null): Parameters<typeof judge>[1] {
    const { data, booking } = this.state;
    const calibrating =
      booking.policy.calibration_in_bad_weather && this.state.onlyCalibrationLeft() && patched(PATCHES.calibration);
    const pauseWins = data.userPaused && patched(PATCHES.pauseHeld);
    const emergencyForWeather = this.inEmergency() && (data.badWeather ?? false) && patched(PATCHES.cause);
    return {
      now: Date.now(),
      policy: booking.policy,
      engaged: data.engaged,
      userPaused: data.userPaused,
      pauseWins,
      maintenance: data.maintenance,
      plannedWork: inMaintenance(data.maintenance, Date.now()) && patched(PATCHES.maintenance),
      calibrating,
      refusal,
      emergencyForWeather,
    };
  }

  /** One step towards motion; null when it is done, else the reason, which the night log has too. */
  private async step(name: string, fn: () => Promise<CommandOutcome>): Promise<Reason | null> {
    const result = await this.submit(fn);
    if (result.outcome === 'done') {
      this.said.delete(name);
      return null;
    }
    const reason = result.reason ?? (result.outcome === 'unknown' ? 'no_answer' : 'refused_by_voyager');
    this.complain(name, result.outcome, reason, result.message);
    return reason;
  }
  /** Why a step towards motion was not done; the same is said once until it was done. */
  private complain(name: string, outcome: 'refused' | 'unknown', reason: Reason, message: string | null): void {
    const what = `${outcome} ${reason} ${message}`;
    if (this.said.get(name) === what && patched(PATCHES.patience)) return;
    this.said.set(name, what);
    this.log({
      level: 'WARNING',
      event: `${name}_${outcome}`,
      message: message ?? REASONS[reason].en,
      messageFr: REASONS[reason].fr,
    });
  }
  private readonly said = new Map<string, string>();
  private borrow(): Promise<Reason | null> {
    const { state } = this;
    state.data.borrowed = true;
    const key = state.commandKey('borrow');
    return this.step('borrow', () =>
      telescope(state.telescopeId).commands.borrowSky.executeWithOptions({ summary: 'other targets' }, [
        { grant: this.grant(), key },
      ]),
    );
  }
  private startRoboTarget(): Promise<Reason | null> {
    const { state } = this;
    const key = state.commandKey('robotarget');
    return this.step('robotarget', () =>
      telescope(state.telescopeId).commands.startRoboTarget.executeWithOptions({ summary: 'start RoboTarget' }, [
        { grant: this.grant(), key },
      ]),
    );
  }
  /** Our target is enabled and something else runs, or nothing: what policy allows is done, once per check interval; true when it was. */
  private async keepOurs(seen: Observation): Promise<boolean> {
    const { policy } = this.state.booking;
    const intruder = seen.running === 'foreign' && policy.exclusivity === 'exclusive';
    const stopped = seen.roboTargetRunning === false && policy.robotarget_start === 'dragscript';
    if (
      (!intruder && !stopped) ||
      Date.now() < this.keptAt + policy.check_interval * SECOND ||
      !patched(PATCHES.upkeep)
    )
      return false;
    this.keptAt = Date.now();
    const refused = [...(intruder ? [await this.borrow()] : []), ...(stopped ? [await this.startRoboTarget()] : [])];
    return refused.every((reason) => reason === null);
  }
  private keptAt = 0;

  /** The grant that the gateway took when somebody else's target stood in the way: while that is all, it is not given again. */
  private registered: string | null = null;

  /** Enables the target and sees that it is: null when it runs, else why not. */
  private async engage(seen: Observation): Promise<Reason | null> {
    const { state } = this;
    const t = telescope(state.telescopeId);
    if (this.registered !== JSON.stringify(this.grant()) || !patched(PATCHES.patience)) {
      const granted = await this.step('grant', () =>
        t.commands.registerGrant.executeWithOptions({ summary: 'grant' }, [this.grant()]),
      );
      if (granted) return granted;
    }
    if (state.booking.policy.exclusivity === 'exclusive' && (!state.data.borrowed || seen.running === 'foreign')) {
      const borrowed = await this.borrow();
      if (borrowed) return borrowed;
    }
    if (this.cutShort()) return 'superseded';
    if (state.data.replan) await this.unlessAsked(() => this.replan());
    if (this.cutShort()) return 'superseded';
    if (seen.roboTargetRunning === false && state.booking.policy.robotarget_start === 'dragscript') {
      const refused = await this.startRoboTarget();
      if (refused) return refused;
    }
    if (Date.now() >= state.endMs) return 'slot_over';
    if (this.cutShort()) return 'superseded';
    state.data.mayRun = true;
    const key = state.commandKey('enable');
    for (const receipt of state.waiting('resume')) this.receipt(receipt.commandId, 'sent');
    const enabled = await this.submit(() =>
      t.commands.enableTarget.executeWithOptions({ summary: 'enable target' }, [{ grant: this.grant(), key }]),
    );
    if (enabled.outcome === 'refused') {
      const reason = enabled.reason ?? 'refused_by_voyager';
      this.complain('enable', 'refused', reason, enabled.message);
      this.explain('resume', reason);
      return reason;
    }
    this.said.delete('enable');
    if (
      !(await this.confirm(
        (o) => o.target?.enabled === true,
        () => this.cutShort(),
      ))
    ) {
      if (this.cutShort()) return 'superseded';
      for (const receipt of state.waiting('resume')) this.receipt(receipt.commandId, 'unknown', 'no_answer');
      return enabled.reason ?? 'no_answer';
    }
    state.data.engaged = true;
    if (!patched(PATCHES.promptStop)) this.confirmResumes();
    return null;
  }
  /** Written after the row that shows it: whoever hears of a confirmed resume finds the session running. */
  private confirmResumes(): void {
    for (const receipt of this.state.waiting('resume')) this.receipt(receipt.commandId, 'confirmed');
  }

  /** Reads back until the telescope shows it, for a dozen seconds; false when it does not. */
  private async confirm(shown: (seen: Observation) => boolean, cut: () => boolean = () => false): Promise<boolean> {
    for (let i = 0; i < CONFIRM_TRIES && !cut(); i++) {
      const seen = patched(PATCHES.promptStop)
        ? await this.interruptibleBy(cut, () => this.observe(15 * SECOND))
        : await this.observe(15 * SECOND);
      if (seen) this.lastObservation = seen;
      if (seen && shown(seen)) return true;
      if (!seen) return false;
      await this.waitFor(Date.now() + CONFIRM_EVERY_MS, cut, 'read back again');
    }
    return false;
  }
  /** Something was asked while a step was under way: it comes before the rest of that step. */
  private cutShort(): boolean {
    return this.state.data.inbox.length > 0 && patched(PATCHES.promptStop);
  }
  /** Runs `fn`, unless something is asked of us meanwhile: then it is left. */
  private unlessAsked<T>(fn: () => Promise<T>): Promise<T | undefined> {
    return patched(PATCHES.promptStop) ? this.interruptible(fn) : fn();
  }
  /** Why what was asked for is not done yet, said in its receipt; the same is said once. */
  private explain(kind: 'pause' | 'resume', reason: Reason, to: ReceiptState = 'unknown'): void {
    if (!patched(PATCHES.promptStop)) return;
    for (const receipt of this.state.waiting(kind))
      if (receipt.state !== to || receipt.reason !== reason)
        this.receipt(receipt.commandId, to, reason, REASONS[reason].en);
  }

  private running(advisory: Reason | null): void {
    const { state } = this;
    const { data } = state;
    const first = !data.started;
    const foreign = this.lastObservation?.running === 'foreign';
    state.span(
      foreign ? { class: 'foreign', cause: 'foreign_target' } : { class: 'overhead', cause: null },
      first ? nowIso() : this.sinceWhen,
    );
    if (data.phase === 'running' && data.reason === advisory) return;
    if (data.phase === 'running') {
      data.reason = advisory;
      this.log(
        advisory
          ? { level: 'WARNING', event: advisory, message: REASONS[advisory].en, messageFr: REASONS[advisory].fr }
          : {
              level: 'INFO',
              event: 'as_planned',
              message: 'Running as planned again.',
              messageFr: 'De nouveau conforme au plan.',
            },
      );
      return;
    }
    data.started = true;
    if (first) {
      data.startedAt = nowIso();
      if (patched(PATCHES.quiet)) data.framesWaiting = true;
    }
    this.transition(
      'running',
      first
        ? {
            event: 'started',
            message: 'The target is enabled; RoboTarget takes it from here.',
            messageFr: 'La cible est activée ; RoboTarget prend le relais.',
          }
        : { event: 'resumed', message: 'The session goes on.', messageFr: 'La session reprend.' },
      { reason: advisory, notify: { type: first ? 'session.started' : 'session.resumed' } },
    );
  }

  /** Holds for a verdict: says so, and makes the target hold too where the telescope may be spoken to. */
  private async hold(verdict: Extract<Verdict, { go: false }>, seen: Observation | null): Promise<void> {
    const { state } = this;
    this.holding(verdict.cause, verdict.reason, verdict.ledger, null);
    this.tellOfUnknownSky(verdict, seen);
    const failures = this.stillFailures;
    this.stillFailures = 0;
    if (state.waiting('resume').length > 0 && !state.data.userPaused)
      this.explain('resume', verdict.reason, 'accepted');
    if (!seen) return this.explainPause(verdict.reason);
    if (verdict.action === 'none') {
      const held =
        seen.target?.enabled === false && (state.booking.policy.pause_mode !== 'abort' || seen.running !== 'ours');
      if (state.waiting('pause').length === 0) return;
      if (held && patched(PATCHES.pauseHeld)) this.settlePauses('confirmed', null);
      else if (notThere(seen) && patched(PATCHES.promptStop)) this.settlePauses('confirmed', null);
      else this.explainPause(verdict.reason);
      return;
    }
    const wants =
      verdict.action === 'stop' && (seen.running === 'ours' || seen.target?.enabled !== false)
        ? 'stop'
        : seen.target?.enabled === false
          ? null
          : 'disable';
    if (wants !== null && notThere(seen) && seen.running !== 'unknown' && patched(PATCHES.promptStop)) {
      state.data.engaged = false;
      this.settlePauses('confirmed', null);
      return;
    }
    if (wants === null) {
      state.data.engaged = false;
      this.settlePauses('confirmed', null);
      return;
    }
    for (const receipt of state.waiting('pause')) this.receipt(receipt.commandId, 'sent');
    if (await this.still(wants, () => this.cutShort())) {
      state.data.engaged = false;
      state.data.replan = true;
      this.settlePauses('confirmed', null);
      return;
    }
    if (this.cutShort()) return;
    this.settlePauses('unknown', 'no_answer');
    if (!patched(PATCHES.insist)) return;
    this.stillFailures = failures + 1;
    if (failures > 0)
      this.alertOnce(
        'hold',
        verdict.reason,
        `The target could not be seen to hold (${verdict.reason}); it is tried again.`,
      );
  }
  /** Weather that nobody knows for a while, and Voyager's end in bad weather: somebody must act, and rain alone asks nobody. */
  private tellOfUnknownSky(verdict: Extract<Verdict, { go: false }>, seen: Observation | null): void {
    if (verdict.cause !== 'weather' || seen === null) return;
    const since = Date.parse(this.state.data.spans.at(-1)?.start ?? nowIso());
    const unknown = verdict.reason === 'weather_unknown' || verdict.reason === 'safety_monitor_missing';
    if (unknown && Date.now() - since >= UNKNOWN_SKY_MS && patched(PATCHES.cause))
      this.alertOnce(verdict.reason, verdict.reason, seen.weather.causes.join('; ') || REASONS[verdict.reason].en);
    if (seen.emergency === 'exit')
      this.alertOnce('fault_voyager_emergency', 'voyager_emergency', 'Voyager has carried out an emergency exit.');
  }
  /** How often in a row the target could not be made to hold. */
  private stillFailures = 0;
  /** A pause of which nothing can be seen now: it holds as soon as the telescope can be spoken to, and its sender hears why not yet. */
  private explainPause(reason: Reason): void {
    if (this.state.data.userPaused)
      this.explain('pause', reason, reason === 'voyager_emergency' ? 'accepted' : 'unknown');
  }
  private settlePauses(to: ReceiptState, reason: Reason | null): void {
    if (this.state.data.userPaused)
      for (const receipt of this.state.waiting('pause')) this.receipt(receipt.commandId, to, reason);
  }

  /** Disables or stops the target and sees that it is so. */
  private async still(how: 'disable' | 'stop', cut: () => boolean = () => false): Promise<boolean> {
    const { state } = this;
    const t = telescope(state.telescopeId);
    const key = state.commandKey(how);
    const body = [{ grant: this.grant(), key }] as [{ grant: Grant; key: string }];
    const result = await this.submit(() =>
      how === 'stop'
        ? t.stopping.stopTarget.executeWithOptions({ summary: 'stop target' }, body)
        : t.commands.disableTarget.executeWithOptions({ summary: 'disable target' }, body),
    );
    this.unseenBecause = result.reason ?? 'no_answer';
    if (result.outcome === 'refused') {
      this.log({
        level: 'ERROR',
        event: `${how}_refused`,
        message: result.message ?? 'Voyager refused the command.',
        messageFr: REASONS.refused_by_voyager.fr,
      });
      return false;
    }
    const away = result.reason === 'gateway_away' || result.reason === 'voyager_away';
    if (result.outcome === 'unknown' && away && patched(PATCHES.promptStop)) return false;
    const absentIsStopped = patched(PATCHES.promptStop);
    const stopped = await this.confirm(
      (o) =>
        (o.target !== null ? !o.target.enabled : absentIsStopped && notThere(o)) &&
        (how === 'disable' || o.running !== 'ours'),
      cut,
    );
    // A disabled target still finishes its exposure.
    const { running } = this.lastObservation ?? { running: 'unknown' };
    if (stopped && (how === 'stop' || running === 'none' || running === 'foreign')) state.data.mayRun = false;
    return stopped;
  }
  /** Why the last disable or stop could not be seen to work. */
  private unseenBecause: Reason = 'no_answer';

  /** Bad weather has left no room for one exposure: the end, with what there is. */
  private async nothingFits(verdict: Extract<Verdict, { go: false }>): Promise<Ending | null> {
    const { state } = this;
    if (verdict.cause !== 'weather') return null;
    const rest = await this.unlessAsked(() => this.remainder());
    if (!rest || (rest.anyShotFits && rest.usefulSeconds >= this.minimumUsefulMs() / SECOND)) return null;
    return {
      outcome: state.shotsTaken() > 0 ? 'completed' : 'weathered_out',
      reason: 'weather_no_time_left',
      commandId: null,
    };
  }

  private async remainder(): Promise<{
    usefulSeconds: number;
    anyShotFits: boolean;
    shots: { guid: string; remaining: number }[];
  } | null> {
    const { state } = this;
    const now = nowIso();
    try {
      return await planning.planRemainder.executeWithOptions({ summary: 'what still fits' }, [
        { bookingId: state.bookingId, now, end: state.booking.end, done: { ...state.data.shotsDone } },
      ]);
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      const seconds = (state.endMs - Date.now()) / SECOND;
      const left = state.booking.plan.shots.filter((s) => s.Enabled && (state.data.shotsDone[s.GuidShot] ?? 0) < s.Num);
      return {
        usefulSeconds: seconds,
        anyShotFits: left.some((s) => s.Exposure <= seconds),
        shots: left.map((s) => ({ guid: s.GuidShot, remaining: s.Num })),
      };
    }
  }

  /** After a hold RoboTarget gets the plan that still fits; when it cannot be written the old plan stands, and the slot's end cuts it. */
  private async replan(): Promise<void> {
    const { state } = this;
    const rest = await this.remainder();
    state.data.replan = false;
    if (rest === null || !rest.anyShotFits) return;
    const shots = state.booking.plan.shots.map((shot) => {
      const line = rest.shots.find((s) => s.guid === shot.GuidShot);
      const done = state.data.shotsDone[shot.GuidShot] ?? 0;
      const wanted = line ? Math.min(shot.Num, done + line.remaining) : shot.Num;
      return wanted === 0 ? { ...shot, Enabled: false } : { ...shot, Num: wanted };
    });
    if (JSON.stringify(shots) === JSON.stringify(state.booking.plan.shots)) return;
    const plan: ObjectsPlan = { ...state.booking.plan, shots };
    try {
      const written = await telescope(state.telescopeId).objects.ensureObjects.executeWithOptions(
        { summary: 'plan that still fits' },
        [{ grant: this.grant(), plan }],
      );
      if (written.outcome !== 'done') return;
      state.data.booking = { ...state.booking, plan };
      this.log({
        level: 'INFO',
        event: 'replanned',
        message: 'The plan was cut to what still fits.',
        messageFr: 'Le plan a été réduit à ce qui tient encore.',
        data: { shots: shots.map((s) => ({ guid: s.GuidShot, quantity: s.Enabled ? s.Num : 0 })) },
      });
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    }
  }

  private async waitForNextCheck(verdict: Verdict, seen: Observation | null): Promise<void> {
    const { state } = this;
    const now = Date.now();
    let at = now + state.booking.policy.check_interval * SECOND;
    if (seen === null) at = Math.min(at, now + 30 * SECOND);
    if (!verdict.go && verdict.reason === 'weather_debounce' && seen)
      at = Math.min(at, now + Math.max(SECOND, debounceLeftMs(seen, state.booking.policy, now)));
    const emergency = !verdict.go && (verdict.reason === 'voyager_emergency' || this.inEmergency());
    if (emergency) at = Math.min(at, now + EMERGENCY_EVERY_SECONDS * SECOND);
    if (!verdict.go && this.stillFailures > 0) at = Math.min(at, now + STOP_AGAIN_MS * 2 ** (this.stillFailures - 1));
    const boundary = state.data.maintenance
      ? [state.data.maintenance.from, state.data.maintenance.to].map((t) => Date.parse(t)).find((t) => t > now)
      : undefined;
    if (boundary) at = Math.min(at, boundary);
    at = Math.min(at, state.endMs);
    state.data.next = { what: at === state.endMs ? 'end' : 'check', at: new Date(at).toISOString() };
    if (this.gatewayAway) return;
    if (seen && patched(PATCHES.quiet)) {
      const { check_interval: regular } = state.booking.policy;
      this.quiet = watchPlan(seen, {
        policy: {
          check_interval: emergency && patched(PATCHES.patience) ? Math.min(regular, EMERGENCY_EVERY_SECONDS) : regular,
        },
        now,
        regularAt: at,
        slotMs: state.endMs - state.startMs,
        ends: [state.endMs, boundary ?? Infinity],
        goal: state.plannedShots(),
      });
      if (this.quiet) return;
    }
    await this.waitFor(
      at,
      () => state.data.inbox.length > 0 || state.events.length > 0,
      at === state.endMs ? 'end of the slot' : 'next check',
    );
  }

  private slotOver(): Ending {
    const { data } = this.state;
    if (data.started && this.state.shotsTaken() > 0)
      return { outcome: 'completed', reason: 'slot_over', commandId: null };
    if (this.weatheredOut()) return { outcome: 'weathered_out', reason: 'weather_no_time_left', commandId: null };
    if (data.phase === 'holding' && data.reason === 'maintenance' && patched(PATCHES.maintenance))
      return { outcome: data.started ? 'aborted' : 'failed', reason: 'maintenance', commandId: null };
    if (data.started || data.holdCause === 'user')
      return { outcome: 'completed', reason: 'slot_over', commandId: null };
    return { outcome: 'failed', reason: data.reason ?? 'slot_over', commandId: null };
  }

  private weatheredOut(): boolean {
    const { phase, holdCause, spans } = this.state.data;
    return lostToWeather(spans, Date.now(), phase === 'holding' && holdCause === 'weather');
  }

  // ── controls ────────────────────────────────────────────────────────────────────────────────────────────────────

  private get begun(): boolean {
    const { phase } = this.state.data;
    return phase === 'starting' || phase === 'running' || phase === 'holding' || phase === 'finalising';
  }

  /** Works off what was asked, one by one; an ending, `restarted` when the session goes back to an earlier phase, or `nothing`. */
  private async controls(): Promise<Ending | 'restarted' | 'nothing'> {
    const { state } = this;
    for (let control = state.data.inbox.shift(); control; control = state.data.inbox.shift()) {
      const result = await this.obey(control);
      if (result !== 'nothing') return result;
    }
    return 'nothing';
  }

  private async obey(control: Control): Promise<Ending | 'restarted' | 'nothing'> {
    const { state } = this;
    switch (control.kind) {
      case 'abort':
      case 'cancel': {
        this.receipt(control.commandId, 'accepted');
        if (control.alreadyStopped) state.data.takenOver = control.commandId;
        if (!this.begun)
          return {
            outcome: control.kind === 'cancel' ? 'cancelled' : 'aborted',
            reason: control.reason ?? (control.kind === 'cancel' ? 'user_cancel' : 'user_abort'),
            commandId: control.commandId,
          };
        return { outcome: 'aborted', reason: control.reason ?? 'user_abort', commandId: control.commandId };
      }
      case 'pause':
        if (!this.begun) return this.refuse(control, 'outside_slot');
        if (state.data.userPaused) return this.refuse(control, 'already_paused');
        state.data.userPaused = true;
        this.receipt(control.commandId, 'accepted');
        // What is not prepared is not enabled: there is nothing to wait for.
        if (!state.data.prepared && !state.data.engaged && patched(PATCHES.pauseUnprepared))
          this.receipt(control.commandId, 'confirmed');
        else if (this.gatewayAway) this.explain('pause', 'gateway_away');
        this.checkAtOnce();
        return 'nothing';
      case 'resume': {
        if (!this.begun) return this.refuse(control, 'outside_slot');
        if (!state.data.userPaused) return this.refuse(control, 'not_paused');
        const blocked = judge(this.lastObservation, { ...this.circumstances(null), userPaused: false });
        if (
          this.lastObservation &&
          !blocked.go &&
          blocked.reason !== 'weather_debounce' &&
          blocked.reason !== 'local_operator'
        )
          return this.refuse(control, blocked.reason);
        if (this.gatewayAway && patched(PATCHES.promptStop)) return this.refuse(control, 'gateway_away');
        state.data.userPaused = false;
        this.receipt(control.commandId, 'accepted');
        if (!state.data.prepared && !state.data.engaged) {
          const waitsFor = state.data.reason ?? 'preparation_failed';
          this.explain('resume', waitsFor === 'user_pause' ? 'preparation_failed' : waitsFor, 'accepted');
        }
        this.checkAtOnce();
        return 'nothing';
      }
      case 'extend':
        return this.extend(control);
      case 'reschedule':
        return this.reschedule(control);
      case 'amend':
        return this.amend(control);
      default:
        return this.refuse(control, 'not_allowed');
    }
  }
  /** Somebody wants the session to end: that waits for no other control. */
  private stopAsked(): boolean {
    return (
      this.state.data.inbox.some(({ kind }) => kind === 'abort' || kind === 'cancel') && patched(PATCHES.promptStop)
    );
  }
  private checkAtOnce(): void {
    this.lastCheckAt = 0;
    this.quiet = null;
  }

  private refuse(control: Control, reason: Reason): 'nothing' {
    this.receipt(control.commandId, 'refused', reason, REASONS[reason].en);
    return 'nothing';
  }
  private refuseAll(reason: Reason): void {
    for (let control = this.state.data.inbox.shift(); control; control = this.state.data.inbox.shift())
      this.refuse(control, reason);
    for (const receipt of this.state.data.receipts)
      if (receipt.state === 'accepted' || receipt.state === 'sent')
        this.receipt(
          receipt.commandId,
          receipt.kind === 'abort' || receipt.kind === 'cancel' ? 'confirmed' : 'unknown',
          receipt.kind === 'abort' || receipt.kind === 'cancel' ? null : reason,
        );
  }

  /** The row of the booking decides; it is read again. */
  private async reload(generation?: number): Promise<void> {
    const { state } = this;
    state.data.booking = await records.loadBooking.executeWithOptions({ summary: 'booking again' }, [
      { bookingId: state.bookingId, now: nowIso(), ...(generation === undefined ? {} : { generation }) },
    ]);
    state.data.maintenance = state.booking.maintenance;
  }

  private async extend(control: Control): Promise<'nothing'> {
    const { state } = this;
    const ceiling = Date.parse(state.data.firstEnd!) + state.booking.policy.extend_ceiling_minutes * 60 * SECOND;
    if (control.end === null || Date.parse(control.end) <= state.endMs) return this.refuse(control, 'not_allowed');
    if (Date.parse(control.end) > ceiling) return this.refuse(control, 'not_allowed');
    await this.reload();
    if (state.endMs < Date.parse(control.end)) return this.refuse(control, 'next_slot_taken');
    let confirmed = true;
    if (state.data.prepared)
      confirmed =
        (await this.interruptibleBy(
          () => this.stopAsked(),
          () => this.prepareOnce(15 * SECOND),
        )) === null;
    state.data.engaged = false;
    this.log(
      {
        level: 'INFO',
        event: 'extended',
        message: `The slot now ends at ${state.booking.end}.`,
        messageFr: `Le créneau se termine maintenant à ${state.booking.end}.`,
      },
      { type: 'session.extended', data: { end: state.booking.end } },
    );
    this.receipt(control.commandId, confirmed ? 'confirmed' : 'unknown', confirmed ? null : 'no_answer');
    this.checkAtOnce();
    return 'nothing';
  }

  private async reschedule(control: Control): Promise<'restarted' | 'nothing'> {
    const { state } = this;
    const moved = state.data.started || (state.data.mayRun === true && patched(PATCHES.promptStop));
    if (this.begun && moved && !(await this.still('stop'))) return this.refuse(control, 'no_answer');
    this.outdate();
    await this.reload(state.booking.generation + 1);
    const data = state.data;
    let returned: boolean | undefined = true;
    if (data.borrowed) {
      const giveBack = (): Promise<boolean> =>
        this.restore('return the sky', () =>
          telescope(state.telescopeId).restoring.returnSky({
            telescopeId: state.telescopeId,
            bookingId: state.bookingId,
          }),
        );
      returned = patched(PATCHES.promptStop)
        ? await this.interruptibleBy(() => this.stopAsked(), giveBack)
        : await giveBack();
    }
    Object.assign(data, {
      prepared: false,
      objectsMade: false,
      engaged: false,
      mayRun: false,
      // Cut off by a stop: the end gives it back.
      borrowed: returned === undefined,
      replan: false,
      userPaused: false,
      spans: [],
      alerts: [],
      shotsDone: {},
      firstEnd: state.booking.end,
    });
    this.transition(
      'scheduled',
      {
        event: 'rescheduled',
        message: `The session moved to ${state.booking.start}.`,
        messageFr: `La session est déplacée au ${state.booking.start}.`,
      },
      { notify: { type: 'session.rescheduled', data: { start: state.booking.start, end: state.booking.end } } },
    );
    this.receipt(control.commandId, 'confirmed');
    return 'restarted';
  }

  private async amend(control: Control): Promise<'restarted' | 'nothing'> {
    const { state } = this;
    const night = this.begun;
    if (night && Date.now() + this.minimumUsefulMs() >= state.endMs && patched(PATCHES.lateAmend))
      return this.refuse(control, 'slot_over');
    if (night && this.inEmergency() && patched(PATCHES.lateAmend)) return this.refuse(control, 'voyager_emergency');
    const enabled = state.data.engaged || (state.data.mayRun === true && patched(PATCHES.promptStop));
    if (night && enabled && !(await this.still('disable'))) return this.refuse(control, 'no_answer');
    this.outdate();
    await this.reload(state.booking.generation + 1);
    Object.assign(state.data, { prepared: false, objectsMade: false, engaged: false, replan: false, shotsDone: {} });
    this.log({
      level: 'INFO',
      event: 'amended',
      message: 'The plan was changed.',
      messageFr: 'Le plan a été modifié.',
      data: { generation: state.booking.generation },
    });
    if (state.data.phase === 'prepared')
      this.transition('preparing', {
        event: 'preparing',
        message: 'Preparing the changed plan.',
        messageFr: 'Préparation du plan modifié.',
      });
    this.receipt(control.commandId, 'confirmed');
    return 'restarted';
  }
  /** What stands in Voyager now belongs to an older generation and goes once the new one is confirmed. */
  private outdate(): void {
    const { state } = this;
    if (!state.data.objectsMade) return;
    const { plan, generation } = state.booking;
    state.data.obsolete.push({
      generation,
      setGuid: plan.set.Guid,
      targetGuid: plan.target.GuidTarget,
      shotGuids: plan.shots.map((s) => s.GuidShot),
    });
  }
  private async removeObsolete(): Promise<void> {
    const { state } = this;
    for (const old of state.data.obsolete) {
      const removed = await this.restore('remove the older plan', () =>
        telescope(state.telescopeId).restoring.removeObjects({
          grant: this.grant(),
          setGuid: old.setGuid,
          targetGuid: old.targetGuid,
          shotGuids: old.shotGuids,
        }),
      );
      if (removed) state.data.obsolete = state.data.obsolete.filter((o) => o !== old);
    }
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  private async end(ending: Ending): Promise<void> {
    const { state } = this;
    if (!this.begun) return this.endBefore(ending);
    state.data.next = null;
    if (state.data.phase !== 'finalising') {
      await this.stopForGood(ending);
      const at = nowIso();
      const from = at < state.booking.end ? at : state.booking.end;
      const ours = ending.reason !== null && OUR_DOING.includes(ending.reason);
      state.span(ours ? { class: 'outage', cause: ending.reason } : null, from);
      this.transition(
        'finalising',
        {
          level: ending.outcome === 'failed' ? 'ERROR' : 'INFO',
          event: ending.reason ?? 'over',
          message: ending.reason ? REASONS[ending.reason].en : 'The session is over.',
          messageFr: ending.reason ? REASONS[ending.reason].fr : REASONS.session_over.fr,
        },
        { reason: ending.reason, sessionEndedAt: at },
      );
      if (ending.commandId && !(this.stopUnseen && patched(PATCHES.promptStop)))
        this.receipt(ending.commandId, 'confirmed');
      await this.projector.flush();
    }
    if (patched(PATCHES.quiet)) this.background.cancel();
    const child = await startChild<(input: FinaliseInput) => Promise<FinaliseResult>>(FINALISE_WORKFLOW, {
      workflowId: finaliseWorkflowId(state.bookingId),
      taskQueue: QUEUE_FINALISE,
      parentClosePolicy: 'ABANDON',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Wrap up ${state.bookingId}`,
      args: [
        {
          bookingId: state.bookingId,
          telescopeId: state.telescopeId,
          targetGuid: state.data.objectsMade ? state.booking.plan.target.GuidTarget : null,
          outcome: ending.outcome,
          reason: ending.reason,
          spans: state.data.spans,
          slot: { start: state.booking.start, end: state.booking.end },
          transition: state.data.transition + 1,
        },
      ],
    });
    let finished = false;
    const result = child.result().finally(() => {
      finished = true;
    });
    const refusing = this.refuseUntil(() => finished, 'finalising');
    await this.putBack(ending);
    await result;
    await refusing;
    state.data.phase = ending.outcome;
    state.data.outcome = ending.outcome;
    this.line(`${ending.outcome}: wrapped up`);
    upsertSearchAttributes([{ key: ATTRIBUTES.phase, value: ending.outcome }]);
  }

  private async refuseUntil(done: () => boolean, reason: Reason): Promise<void> {
    for (;;) {
      await condition(() => done() || this.state.data.inbox.length > 0);
      for (let control = this.state.data.inbox.shift(); control; control = this.state.data.inbox.shift()) {
        if (control.alreadyStopped) {
          this.state.data.takenOver = control.commandId;
          this.receipt(control.commandId, 'confirmed');
          await this.releaseLatch();
        } else this.refuse(control, reason);
      }
      if (done()) return;
    }
  }

  /** Cancelled or aborted before H, or never begun: nothing has moved, so the phase is final at once and the objects are cleared away after. */
  private async endBefore(ending: Ending): Promise<void> {
    const { state } = this;
    state.data.next = null;
    if (!isFinal(state.data.phase)) {
      this.transition(
        ending.outcome,
        {
          level: ending.outcome === 'failed' ? 'ERROR' : 'INFO',
          event: ending.outcome,
          message: ending.reason ? REASONS[ending.reason].en : 'The session is over.',
          messageFr: ending.reason ? REASONS[ending.reason].fr : REASONS.session_over.fr,
        },
        {
          reason: ending.reason,
          outcome: ending.outcome,
          notify: { type: ENDING_EVENTS[ending.outcome], data: { reason: ending.reason } },
        },
      );
      if (ending.commandId) this.receipt(ending.commandId, 'confirmed');
    }
    state.data.outcome = ending.outcome;
    if (state.data.objectsMade) this.outdate();
    const latched = state.data.takenOver !== null && patched(PATCHES.promptStop);
    const cleared =
      this.state.data.obsolete.length > 0 || state.data.objectsMade || latched
        ? this.putBack(ending)
        : Promise.resolve();
    let done = false;
    const refusing = this.refuseUntil(() => done, 'session_over');
    const settled = patched(PATCHES.settle) ? this.settleBefore(ending) : Promise.resolve();
    await Promise.all([cleared, settled]).finally(() => {
      done = true;
    });
    await refusing;
  }
  /** Credits and report of a booking that ended before its slot: what the guest gave up has the policy's own share, what we failed at is an outage. */
  private async settleBefore(ending: Ending): Promise<void> {
    const { bookingId, telescopeId, booking } = this.state;
    const ids = { bookingId, telescopeId };
    const { outcome, reason } = ending;
    const ours = outcome === 'failed' || (reason !== null && OUR_DOING.includes(reason));
    const lost: LedgerClass = ours ? 'outage' : 'other';
    await this.projector.flush();
    try {
      const spans = [{ class: lost, start: booking.start, end: booking.end, cause: reason }];
      await settling.settle.executeWithOptions({ summary: 'settlement' }, [{ ...ids, spans, outcome, before: true }]);
      await settling.buildReport.executeWithOptions({ summary: 'report' }, [{ ...ids, outcome, reason }]);
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      this.alertOnce('settlement', 'internal_error', `settlement: ${thrown.cause?.message ?? thrown.message}`);
    }
  }

  /** The stop ladder until it is seen to have worked; past the slot's end and grace the gateway's own watchdog has stopped it (safety.md 5). */
  private async stopForGood(ending: Ending): Promise<void> {
    const { state } = this;
    if (!state.data.objectsMade) return;
    const began = Date.now();
    const giveUpAt = Math.max(state.endMs + state.booking.policy.grace_seconds * SECOND, began) + 120 * SECOND;
    if (ending.commandId && !this.inEmergency()) this.receipt(ending.commandId, 'sent');
    // Never enabled, or seen disabled since: unless the telescope shows the opposite, there is nothing to stop.
    const still = state.data.mayRun === false && patched(PATCHES.promptStop);
    if (still) {
      const seen = await this.observe(QUICK_LOOK_MS);
      if (seen) this.lastObservation = seen;
      if (!seen?.target?.enabled && seen?.running !== 'ours') return this.stopped();
    }
    for (let attempt = 0; ; attempt++) {
      const seen =
        attempt === 0 && (still || ending.outcome === 'aborted') && this.lastObservation && !this.inEmergency()
          ? this.lastObservation
          : await this.observe(15 * SECOND);
      if (seen) this.lastObservation = seen;
      const quiet = seen?.emergency && seen.target?.enabled === false && seen.running === 'none';
      if (quiet && patched(PATCHES.cause)) return this.stopped();
      if (seen?.emergency) {
        if (attempt === 0) {
          if (ending.commandId)
            this.receipt(ending.commandId, 'accepted', 'voyager_emergency', REASONS.voyager_emergency.en);
          this.log({
            level: 'WARNING',
            event: 'latched',
            message: REASONS.voyager_emergency.en,
            messageFr: REASONS.voyager_emergency.fr,
          });
        }
        if (Date.now() > giveUpAt + 6 * HOUR_MS) break;
        await this.waitOutEmergency(seen);
        continue;
      }
      if (seen && attempt > 0 && seen.target !== null && !seen.target.enabled && seen.running !== 'ours')
        return this.stopped();
      if (seen && notThere(seen) && seen.running !== 'unknown' && patched(PATCHES.promptStop)) return this.stopped();
      const abrupt = ending.outcome === 'aborted' || !seen || seen.running === 'ours' || seen.running === 'unknown';
      if (seen && !abrupt && seen.target?.enabled === false) return this.stopped();
      if (ending.commandId) this.receipt(ending.commandId, 'sent');
      if (await this.still(abrupt && ending.reason !== 'plan_finished' ? 'stop' : 'disable')) return this.stopped();
      if (ending.commandId && patched(PATCHES.promptStop))
        this.receipt(ending.commandId, 'unknown', this.unseenBecause, REASONS[this.unseenBecause].en);
      if (Date.now() >= giveUpAt) break;
      await this.waitFor(Date.now() + Math.min(5 * SECOND * 2 ** attempt, 60 * SECOND), () => false, 'stop again');
    }
    this.stopUnseen = true;
    this.alertOnce(
      'stop',
      'no_answer',
      'The target could not be seen to have stopped; the gateway’s own watchdog and Voyager’s C_DateEnd end it.',
    );
    if (ending.commandId) this.receipt(ending.commandId, 'unknown', 'no_answer');
  }
  /** Until Voyager's emergency is over, somebody tells of it, or it is time to look again. */
  private async waitOutEmergency(seen: Observation): Promise<void> {
    const { state } = this;
    const told = (): boolean => state.events.length > 0;
    if (patched(PATCHES.patience)) {
      const goal = state.plannedShots();
      const plan = {
        everySeconds: EMERGENCY_EVERY_SECONDS,
        looks: EMERGENCY_LOOKS,
        picture: pictureOf(seen, goal),
        goal,
      };
      const next = await this.interruptibleBy(told, () => this.keepWatch(plan));
      if (next === undefined && !told())
        await this.waitFor(Date.now() + EMERGENCY_EVERY_SECONDS * SECOND, told, 'Voyager’s emergency');
    } else await this.waitFor(Date.now() + EMERGENCY_EVERY_SECONDS * SECOND, told, 'Voyager’s emergency');
    state.events.length = 0;
  }
  /** The stop was given up unseen: then only the gateway's watchdog can still do it, and it needs the grant. */
  private stopUnseen = false;
  private stopped(): void {
    this.state.data.engaged = false;
    this.state.data.mayRun = false;
  }
  private inEmergency(): boolean {
    return this.lastObservation?.emergency !== null && this.lastObservation?.emergency !== undefined;
  }

  /** Borrowed targets, objects of older plans, latch and grant: put back whatever happens. */
  private async putBack(ending: Ending): Promise<void> {
    const { state } = this;
    const t = telescope(state.telescopeId);
    const ids = { telescopeId: state.telescopeId, bookingId: state.bookingId };
    const granted = state.data.objectsMade || state.data.obsolete.length > 0;
    if (state.data.borrowed)
      await this.restore('return the sky', () =>
        t.restoring.returnSky.executeWithOptions({ summary: 'return the sky' }, [ids]),
      );
    await this.removeObsolete();
    if (state.data.takenOver) await this.releaseLatch();
    if (this.stopUnseen && patched(PATCHES.grantKept)) return;
    if (state.data.objectsMade || ending.outcome === 'cancelled' || (granted && patched(PATCHES.grantKept)))
      await this.restore('revoke the grant', () =>
        t.restoring.revokeGrant.executeWithOptions({ summary: 'revoke grant' }, [ids]),
      );
  }
  private async releaseLatch(): Promise<void> {
    const { state } = this;
    await this.restore('release the latch', () =>
      telescope(state.telescopeId).restoring.releaseLatch.executeWithOptions({ summary: 'release latch' }, [
        { telescopeId: state.telescopeId, bookingId: state.bookingId, commandId: state.data.takenOver! },
      ]),
    );
  }

  /** Runs what must be put back; true when it was. A day of failing is told to the operator and does not stop the rest. */
  private async restore(what: string, fn: () => Promise<CommandOutcome | void>): Promise<boolean> {
    try {
      const result = await fn();
      if (result && result.outcome !== 'done') {
        this.alertOnce(what, result.reason ?? 'internal_error', `${what}: ${result.message ?? result.outcome}`);
        return false;
      }
      return true;
    } catch (thrown) {
      if (!(thrown instanceof ActivityFailure) || isCancellation(thrown)) throw thrown;
      this.alertOnce(what, unreachable(thrown).reason, `${what}: ${thrown.cause?.message ?? thrown.message}`);
      return false;
    }
  }

  // ── tools ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private grant(): Grant {
    const { booking, bookingId, telescopeId } = this.state;
    return {
      bookingId,
      telescopeId,
      generation: booking.generation,
      start: booking.start,
      end: booking.end,
      targetGuid: booking.plan.target.GuidTarget,
    };
  }
  private minimumUsefulMs(): number {
    return minimumUsefulSeconds(this.state.booking.policy, (this.state.endMs - this.state.startMs) / SECOND) * SECOND;
  }

  /** A command's result; what timed out or was cut off is unknown, and unknown is read back. */
  private async submit(fn: () => Promise<CommandOutcome>): Promise<CommandOutcome> {
    try {
      return await fn();
    } catch (thrown) {
      if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
      const { reason, message } = unreachable(thrown);
      return {
        outcome:
          thrown.cause instanceof ApplicationFailure && thrown.cause.type === FAILURE.refused ? 'refused' : 'unknown',
        reason,
        message,
      };
    }
  }

  private interruptible<T>(fn: () => Promise<T>): Promise<T | undefined> {
    return this.interruptibleBy(() => this.state.data.inbox.length > 0, fn);
  }
  /** Runs `fn` until it is done or something is asked of us; undefined when it was cut off. */
  private async interruptibleBy<T>(asked: () => boolean, fn: () => Promise<T>): Promise<T | undefined> {
    const work = new CancellationScope();
    const watch = new CancellationScope();
    const result = work.run(fn);
    let settled = false;
    const quiet = result.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    const interrupted = watch
      .run(() => condition(() => settled || asked()))
      .catch((thrown: unknown) => {
        if (!isCancellation(thrown)) throw thrown;
      });
    await Promise.race([quiet, interrupted]);
    watch.cancel();
    if (!settled) work.cancel();
    try {
      return await result;
    } catch (thrown) {
      if (!isCancellation(thrown) || !work.consideredCancelled || CancellationScope.current().consideredCancelled)
        throw thrown;
      return undefined;
    }
  }

  private wait(untilMs: number, summary: string): Promise<void> {
    return this.waitFor(untilMs, () => this.state.data.inbox.length > 0, summary);
  }
  /** Sleeps to an instant, never for a length, so that drift does not add up. */
  private async waitFor(untilMs: number, wake: () => boolean, summary: string): Promise<void> {
    const ms = untilMs - Date.now();
    if (ms > 0) await condition(wake, ms, { summary: `${summary}: ${new Date(untilMs).toISOString().slice(0, 19)}Z` });
  }

  private async drainFrames(): Promise<void> {
    const { state } = this;
    const t = frames(state.telescopeId);
    for (;;) {
      await condition(() => state.data.framesWaiting);
      state.data.framesWaiting = false;
      try {
        await t.drainFrames.executeWithOptions({ summary: 'frames' }, [
          { bookingId: state.bookingId, telescopeId: state.telescopeId, linger: true },
        ]);
      } catch (thrown) {
        if (isCancellation(thrown)) {
          state.data.framesWaiting = true;
          throw thrown;
        }
        if (!(thrown instanceof ActivityFailure)) throw thrown;
        log.warn('frames wait in the journal for the reconciliation', { error: thrown.cause?.message });
      }
    }
  }

  private holding(cause: HoldCause, reason: Reason, ledger: LedgerClass, message: string | null): void {
    const { state } = this;
    const { data } = state;
    const slotStart = state.booking.start;
    const at = this.sinceWhen || nowIso();
    state.span({ class: ledger, cause: reason }, at > slotStart ? at : slotStart);
    if (data.phase === 'holding' && data.holdCause === cause && data.reason === reason) return;
    const wasHolding = data.phase === 'holding';
    const fault = cause === 'fault';
    this.transition(
      'holding',
      {
        level: fault ? 'ERROR' : cause === 'weather' ? 'WARNING' : 'INFO',
        event: reason,
        message: message ?? REASONS[reason].en,
        messageFr: REASONS[reason].fr,
      },
      {
        reason,
        holdCause: cause,
        ...(wasHolding ? {} : { notify: { type: 'session.paused', data: { reason, cause } } }),
      },
    );
    if (fault) {
      this.log(
        {
          level: 'ERROR',
          event: `fault_${reason}`,
          message: message ?? REASONS[reason].en,
          messageFr: REASONS[reason].fr,
        },
        { type: 'error.occurred', data: { reason } },
      );
      this.alertOnce(`fault_${reason}`, reason, message ?? REASONS[reason].en);
    }
  }

  private transition(
    phase: Phase,
    line: {
      level?: 'INFO' | 'WARNING' | 'ERROR';
      event: string;
      message: string;
      messageFr: string;
      data?: Record<string, unknown>;
    },
    more: {
      reason?: Reason | null;
      holdCause?: HoldCause;
      outcome?: Outcome;
      notify?: Transition['notify'];
      objects?: boolean;
      sessionEndedAt?: string;
    } = {},
  ): void {
    const { state } = this;
    const { data } = state;
    data.phase = phase;
    data.reason = more.reason ?? null;
    data.holdCause = more.holdCause ?? null;
    data.transition += 1;
    upsertSearchAttributes([
      { key: ATTRIBUTES.phase, value: phase },
      { key: ATTRIBUTES.start, value: new Date(state.startMs) },
      { key: ATTRIBUTES.bookingId, value: state.bookingId },
      { key: ATTRIBUTES.telescopeId, value: state.telescopeId },
    ]);
    this.line(`**${phase}** ${line.message}`);
    this.projector.push({
      kind: 'transition',
      body: {
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        transition: data.transition,
        at: nowIso(),
        phase,
        holdCause: data.holdCause,
        reason: data.reason,
        outcome: more.outcome ?? null,
        generation: state.booking.generation,
        ...(more.objects
          ? {
              setGuid: state.booking.plan.set.Guid,
              targetGuid: state.booking.plan.target.GuidTarget,
              voyagerShots: data.voyagerShots,
            }
          : {}),
        ...(data.startedAt ? { sessionStartedAt: data.startedAt } : {}),
        ...(more.sessionEndedAt ? { sessionEndedAt: more.sessionEndedAt } : {}),
        next: this.nextOf(phase),
        log: {
          level: line.level ?? 'INFO',
          event: line.event,
          message: line.message,
          messageFr: line.messageFr,
          ...(line.data ? { data: line.data } : {}),
        },
        ...(more.notify ? { notify: more.notify } : {}),
      },
    });
  }
  private nextOf(phase: Phase): { what: string; at: string } | null {
    const { booking } = this.state;
    if (phase === 'scheduled') return { what: 'prepare', at: booking.prepareAt };
    if (phase === 'preparing' || phase === 'prepared') return { what: 'start', at: booking.start };
    if (phase === 'starting' || phase === 'running' || phase === 'holding') return { what: 'end', at: booking.end };
    return null;
  }

  private log(entry: Transition['log'], notify?: Transition['notify']): void {
    const { state } = this;
    state.data.commands += 1;
    this.line(entry.message);
    this.projector.push({
      kind: 'log',
      body: {
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        key: `${entry.event}/${state.data.commands}`,
        at: nowIso(),
        log: entry,
        ...(notify ? { notify } : {}),
      },
    });
  }
  private line(text: string): void {
    this.state.line(nowIso(), text);
    setCurrentDetails(this.state.details());
  }
  private alertOnce(key: string, reason: Reason, message: string): void {
    const { state } = this;
    const name = `alert_${key}`;
    if (state.data.alerts.includes(name)) return;
    state.data.alerts.push(name);
    this.projector.push({
      kind: 'alert',
      body: { bookingId: state.bookingId, telescopeId: state.telescopeId, key: name, at: nowIso(), reason, message },
    });
  }

  private receipt(
    commandId: string,
    to: ReceiptState,
    reason: Reason | null = null,
    message: string | null = null,
  ): void {
    const { state } = this;
    const known = state.receipt(commandId);
    if (!known) return;
    if (known.state === to && known.reason === reason && to !== 'accepted') return;
    Object.assign(known, { state: to, reason, message });
    this.projector.push({
      kind: 'receipt',
      body: {
        commandId,
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        kind: known.kind,
        state: to,
        reason,
        message,
        requestedBy: known.requestedBy,
        at: nowIso(),
      },
    });
  }

  private shouldContinueAsNew(): boolean {
    const info = workflowInfo();
    // An update is answered by the run that took it: it is worked off first.
    if (
      this.state.data.inbox.some(
        (control) => control.kind === 'extend' || control.kind === 'reschedule' || control.kind === 'amend',
      )
    )
      return false;
    return (
      !this.over &&
      (info.continueAsNewSuggested || (this.maxHistoryEvents !== null && info.historyLength >= this.maxHistoryEvents))
    );
  }
  /** A fresh history with all that is known; frames under way are picked up where their heartbeat left off. */
  private async continueAsNew(): Promise<never> {
    const { state } = this;
    state.leaving = true;
    this.background.cancel();
    this.projector.stop(true);
    await this.projecting;
    await condition(allHandlersFinished);
    return continueAsNew<typeof session>({
      bookingId: state.bookingId,
      telescopeId: state.telescopeId,
      carried: state.data,
      ...(this.maxHistoryEvents === null ? {} : { maxHistoryEvents: this.maxHistoryEvents }),
    });
  }
}

interface Problem {
  reason: Reason;
  message: string;
}
/** RoboTarget's list was read, our target is not on it, and nothing of ours runs: there is nothing to stop. */
const notThere = (seen: Observation): boolean => seen.targetAbsent === true && seen.running !== 'ours';
const nowIso = (): string => new Date(Date.now()).toISOString();

/** Why an activity on the telescope's queue failed, in our words. */
function unreachable(failure: ActivityFailure): Problem {
  const cause = failure.cause;
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'SCHEDULE_TO_START'
      ? { reason: 'gateway_away', message: 'No gateway took the work in time.' }
      : {
          reason: 'no_answer',
          message: `No answer in time (${String(cause.timeoutType).toLowerCase().replaceAll('_', ' ')}).`,
        };
  }
  if (cause instanceof ApplicationFailure) {
    if (cause.type === FAILURE.notConnected) return { reason: 'voyager_away', message: cause.message };
    const detail = cause.type === FAILURE.refused ? cause.details?.[0] : undefined;
    if (typeof detail === 'string' && detail in REASONS) return { reason: detail as Reason, message: cause.message };
    return { reason: 'internal_error', message: cause.message };
  }
  return { reason: 'no_answer', message: cause?.message ?? failure.message };
}
