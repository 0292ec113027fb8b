import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import type { Observation } from '../../domain/ports.ts';
import { clearPeriods, recordedSpans, silentSpans } from '../../domain/gateway-record.ts';
import { secondsByClass } from '../../domain/ledger.ts';
import { nightLedger } from '../../domain/night-ledger.ts';
import { asBody, settleByRule } from '../../domain/settle.ts';
import { readiness } from '../../api/system/readiness.ts';
import { whyNotStart } from '../../gateway/telescope/gate.ts';
import { loadConfig } from '../../platform/config.ts';
import { checkDatabase, checkPaths, checkStorage } from '../../scripts/doctor/checks.ts';
import { checkTemporal } from '../../scripts/doctor/temporal.ts';
import {
  clockFinding,
  linkFinding,
  safetyFinding,
  storeFinding,
  weatherFinding,
} from '../../scripts/doctor/findings.ts';
import { boardLine } from '../../web/client/admin/board.ts';
import { buildView } from '../../web/client/control/view.ts';
import { judge, type Circumstances } from '../../workflows/session/policy.ts';
import { newNight, snapshot, telescopeState } from '../web/fixtures.ts';
import { NOW, type Facts } from './situations.ts';

/** What each of those who decide or tell says of a situation, by its own function. `good`: as if all were well. */
export interface Answer {
  says: string;
  good: boolean;
}
const TELESCOPE = Telescope.parse({
  id: 't1',
  name: 'T1',
  host: '127.0.0.1',
  base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
  site: { latitude_degrees: 45, longitude_degrees: 6 },
} satisfies TelescopeInput);
const SECONDS = 600;

export function gate(f: Facts): Answer {
  const why = whyNotStart(
    {
      readOnly: false,
      emergency: () => null,
      ownsLease: () => f.owns,
      weather: () => f.mayStart,
      clockOffsetSeconds: () => f.clockOffsetSeconds,
      grant: () => null,
      slotRunning: () => true,
      latched: () => null,
      inMaintenance: () => false,
    },
    { by: 'session', grant: { bookingId: 'b', generation: 0 } },
    'target',
  );
  return { says: why ? `starts nothing: ${why}` : 'lets motion start', good: why === null };
}

function seen(f: Facts): Observation | null {
  if (!f.heard) return null;
  const { state, reason, causes, ok_since, stale } = f.weather.weather;
  return {
    at: new Date(NOW).toISOString(),
    connected: f.linked,
    ageSeconds: f.silentSeconds,
    voyagerStatus: f.status,
    emergency: null,
    running: f.idle ? 'none' : 'ours',
    roboTargetRunning: null,
    runSequence: null,
    runDragScript: null,
    guiding: null,
    mountConnected: true,
    cameraConnected: true,
    lastError: null,
    clockOffsetSeconds: f.clockOffsetSeconds,
    weather: { state, reason, causes, ok_since, stale },
    target: f.linked ? { enabled: f.idle, statusOp: 'idle' } : null,
    shotsDone: null,
    latchedAbort: null,
  };
}
const verdict = (f: Facts): ReturnType<typeof judge> =>
  judge(seen(f), {
    now: NOW,
    policy: { ...TELESCOPE.policy, resume_debounce_seconds: 300, weather_stale_seconds: 180 },
    engaged: f.idle,
    userPaused: false,
    maintenance: null,
    plannedWork: false,
    calibrating: false,
    refusal: null,
    stalled: f.idle,
  } satisfies Circumstances);
export function session(f: Facts): Answer {
  const is = verdict(f);
  return is.go ? { says: 'runs', good: true } : { says: `holds: ${is.reason}`, good: false };
}

function stateOf(f: Facts): TelescopeState {
  const state = telescopeState(newNight(NOW), NOW);
  return {
    ...state,
    stale: !f.linked,
    connection: {
      ...state.connection,
      connected: f.linked,
      state: f.linked ? 'ready' : 'waiting',
      reason: f.linked ? null : `no line for ${f.silentSeconds} s`,
      last_message_age_seconds: f.silentSeconds,
      clock_offset_seconds: f.clockOffsetSeconds,
    },
    voyager: { ...state.voyager, status: f.status },
    weather: f.weather.weather,
  };
}
export function page(f: Facts): Answer {
  const night = newNight(NOW);
  const view = buildView({
    snapshot: snapshot(night, null, NOW),
    telescope: stateOf(f),
    telescopeAtMs: NOW - f.reportedSecondsAgo * 1000,
    stats: null,
    nowMs: NOW,
    pageNowMs: NOW,
    locale: 'en',
    zone: 'site',
    lastBinning: null,
  });
  const good = view.connectedTone === 'good' && view.weather === 'ok' && view.statusTone === 'good';
  return {
    says: `${view.phaseLabel}; ${view.connectedText}; weather ${view.weatherLabel}; Voyager ${view.statusLabel}`,
    good,
  };
}
export function board(f: Facts): Answer {
  const line = boardLine(
    { id: 't1', name: 'T1' },
    { state: stateOf(f), atMs: NOW - f.reportedSecondsAgo * 1000 },
    null,
    { nowMs: NOW, locale: 'en' },
  );
  return { says: `${line.status}; weather ${line.weather}`, good: line.tone === 'good' && line.weather === 'Safe' };
}

const NOWHERE = '127.0.0.1:1';
export async function doctor(f: Facts): Promise<Answer> {
  const state = f.reportedSecondsAgo > 60 || (!f.heard && f.owns && f.silentSeconds < 60) ? null : stateOf(f);
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-matrix-'));
  try {
    if (f.store === 'stands') writeFileSync(join(folder, '.nocturne-store'), '');
    writeFileSync(join(folder, 'file'), '');
    const path = f.store === 'a file' ? join(folder, 'file') : folder;
    const findings = [
      ...(state ? [linkFinding('gateway', TELESCOPE, state)] : []),
      safetyFinding(TELESCOPE, state),
      weatherFinding(TELESCOPE, state),
      clockFinding(TELESCOPE, state, f.clockOffsetSeconds),
      ...(f.database ? [] : await checkDatabase(loadConfig({ DATABASE_URL: `postgresql://nobody@${NOWHERE}/none` }))),
      ...(f.temporal ? [] : await checkTemporal(loadConfig({ TEMPORAL_ADDRESS: NOWHERE }))),
      ...(f.store === 'full'
        ? [storeFinding('store', 1e9, true)]
        : await checkStorage(loadConfig({ OBSERVATIONS_STORAGE_PATH: path }))),
      ...checkPaths({ ...TELESCOPE, path_map: [{ from: 'C:\\FITS', to: f.share ? folder : join(folder, 'nowhere') }] }),
    ].filter(({ state: is }) => is !== 'ok');
    const says = findings.map((one) => `${one.state}: ${one.what.replace(/^t1: /, '')}`);
    return { says: says.join('; ') || 'all is well', good: findings.length === 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function ready(f: Facts): Answer {
  const check = (ok: boolean): { ok: boolean; error?: string } => (ok ? { ok } : { ok, error: 'no answer' });
  const { ok, checks } = readiness(check(f.database), check(f.temporal), f.bus);
  const not = Object.entries(checks).filter(([, one]) => !one.ok);
  return { says: ok ? 'ready' : `not ready: ${not.map(([name]) => name).join(', ')}`, good: ok };
}

/** Ten minutes of a slot in which things are so, by the gateway's record and by what the session held for. */
function ledger(f: Facts): ReturnType<typeof secondsByClass> {
  const [from, to] = [NOW - SECONDS * 1000, NOW];
  const slot = { start: new Date(from).toISOString(), end: new Date(to).toISOString() };
  const alive = f.reportedSecondsAgo <= 15;
  const { state, reason } = f.weather;
  const samples = Array.from({ length: alive ? SECONDS / 10 : 1 }, (_, i) => ({
    atMs: from + i * 10_000,
    data: alive
      ? { stale: !f.linked, voyager_status: f.status, emergency: null, weather: { state, reason } as never }
      : {},
  }));
  const record = { samples, notes: [] };
  const is = verdict(f);
  const spans = [{ class: is.go ? ('overhead' as const) : is.ledger, cause: is.go ? null : is.reason, ...slot }];
  const recorded = {
    spans: recordedSpans(record, from, to),
    silent: silentSpans(record, from, to),
    clear: clearPeriods(record, from, to),
  };
  const patience = { debounceSeconds: 0, checkSeconds: 0 };
  return secondsByClass(nightLedger(slot, { spans, imaging: [] }, recorded, patience));
}
export function report(f: Facts): Answer {
  const seconds = Object.entries(ledger(f)).filter(([, n]) => n > 0);
  const paid = seconds.filter(([name]) => ['imaging', 'overhead', 'other'].includes(name));
  return {
    says: seconds.map(([name, n]) => `${name} ${n} s`).join(', '),
    good: paid.reduce((s, [, n]) => s + n, 0) > 60,
  };
}
export function refund(f: Facts): Answer {
  const delivered = { goodFrames: 1, takenFrames: 1, goodSeconds: 60, plannedFrames: 1, plannedSeconds: 60 };
  const facts = { outcome: null, seconds: ledger(f), ...delivered, before: false, minutesBefore: null, moonlight: 0 };
  const { credits_refund: back } = asBody(settleByRule(TELESCOPE.policy.refund, facts, 1_000));
  return { says: `${back} of 10 back`, good: back < 8 };
}
