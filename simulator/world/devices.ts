import { altAz, hourAngleHours, precessFromJ2000, type Site } from '../../domain/sky.ts';
import { createRandom, wander, type Random } from '../random.ts';

/** Voyager's special numbers (protocol: special numbers in any numeric field). */
export const OFF = -123_456_789;
export const ERROR_VALUE = 123_456_789;

const mod = (value: number, by: number): number => ((value % by) + by) % by;

/** German equatorial mount: where it points, whether it tracks, which side of the pier, how long to the flip. */
export class Mount {
  connected = true;
  parked = true;
  tracking = false;
  error = false;
  /** 0 not needed, 1 to do, 2 running, 3 done. */
  flipping = false;
  flipped = false;
  private readonly site: Site;
  private readonly now: () => number;
  private ra = 0;
  private dec = 90;
  private hourAngle = -6;
  private slew: { fromRa: number; fromDec: number; toRa: number; toDec: number; start: number; end: number } | null =
    null;

  constructor(site: Site, now: () => number) {
    this.site = site;
    this.now = now;
    this.dec = site.latitude_degrees >= 0 ? 89.9 : -89.9;
  }

  get slewing(): boolean {
    return this.slew !== null && this.now() < this.slew.end;
  }
  private sidereal(): number {
    return mod(hourAngleHours(this.site, 0, 0, this.now()), 24);
  }
  /** J2000 right ascension that stands at this hour angle now; exact also near the pole, where precession turns it far. */
  raAtHourAngle(hourAngleHoursWanted: number, decDegrees: number): number {
    let ra = mod(this.sidereal() - hourAngleHoursWanted, 24);
    for (let i = 0; i < 4; i++)
      ra = mod(ra + hourAngleHours(this.site, ra, decDegrees, this.now()) - hourAngleHoursWanted, 24);
    return ra;
  }
  /** J2000 position pointed at. */
  position(): { raHours: number; decDegrees: number } {
    const s = this.slew;
    if (s) {
      const share = Math.min(1, Math.max(0, (this.now() - s.start) / Math.max(1, s.end - s.start)));
      const turn = mod(s.toRa - s.fromRa + 12, 24) - 12;
      return { raHours: mod(s.fromRa + turn * share, 24), decDegrees: s.fromDec + (s.toDec - s.fromDec) * share };
    }
    return { raHours: this.tracking ? this.ra : this.raAtHourAngle(this.hourAngle, this.dec), decDegrees: this.dec };
  }
  /** Degrees to turn: what the length of a slew follows from. */
  distanceTo(raHours: number, decDegrees: number): number {
    const from = this.position();
    const rad = Math.PI / 180;
    const cosine =
      Math.sin(from.decDegrees * rad) * Math.sin(decDegrees * rad) +
      Math.cos(from.decDegrees * rad) * Math.cos(decDegrees * rad) * Math.cos((from.raHours - raHours) * 15 * rad);
    return Math.acos(Math.max(-1, Math.min(1, cosine))) / rad;
  }
  beginSlew(raHours: number, decDegrees: number, milliseconds: number): void {
    const from = this.position();
    this.parked = false;
    this.tracking = true;
    const at = this.now();
    this.slew = {
      fromRa: from.raHours,
      fromDec: from.decDegrees,
      toRa: raHours,
      toDec: decDegrees,
      start: at,
      end: at + milliseconds,
    };
  }
  /** The slew is over, or was stopped where it is. */
  endSlew(): void {
    const at = this.position();
    this.slew = null;
    this.ra = at.raHours;
    this.dec = at.decDegrees;
    this.flipped = hourAngleHours(this.site, this.ra, this.dec, this.now()) > 0;
  }
  /** Guiding, pulses and dithers: small steps, in degrees. */
  nudge(raDegrees: number, decDegrees: number): void {
    this.ra = mod(this.ra + raDegrees / 15 / Math.max(0.1, Math.cos((this.dec * Math.PI) / 180)), 24);
    this.dec = Math.max(-90, Math.min(90, this.dec + decDegrees));
  }
  stopTracking(): void {
    const at = this.position();
    this.slew = null;
    this.dec = at.decDegrees;
    this.hourAngle = hourAngleHours(this.site, at.raHours, at.decDegrees, this.now());
    this.ra = at.raHours;
    this.tracking = false;
  }
  startTracking(): void {
    const at = this.position();
    this.ra = at.raHours;
    this.dec = at.decDegrees;
    this.parked = false;
    this.tracking = true;
  }
  park(): void {
    this.slew = null;
    this.parked = true;
    this.tracking = false;
    this.flipping = false;
    this.dec = this.site.latitude_degrees >= 0 ? 89.9 : -89.9;
    this.hourAngle = -6;
  }
  /** Hours until the target crosses the meridian; negative = still before it (as MNTTFLIP counts). */
  hourAngleNow(): number {
    const at = this.position();
    return hourAngleHours(this.site, at.raHours, at.decDegrees, this.now());
  }
  flipDue(): boolean {
    return !this.flipped && this.tracking && this.hourAngleNow() > 0;
  }
  status(): {
    raHours: number;
    decDegrees: number;
    raNowHours: number;
    decNowDegrees: number;
    altitudeDegrees: number;
    azimuthDegrees: number;
    pier: 'pierWest' | 'pierEast';
    secondsToFlip: number;
    flipStatus: number;
  } {
    const at = this.position();
    const ofDate = precessFromJ2000(at.raHours, at.decDegrees, this.now());
    const horizontal = altAz(this.site, at.raHours, at.decDegrees, this.now());
    const hourAngle = this.hourAngleNow();
    return {
      ...at,
      raNowHours: ofDate.raHours,
      decNowDegrees: ofDate.decDegrees,
      ...horizontal,
      pier: this.flipped ? 'pierEast' : 'pierWest',
      secondsToFlip: hourAngle * 3600,
      flipStatus: this.flipStatus(),
    };
  }
  /** MNTSFLIP: 0 none due, 1 to do, 2 running, 3 done. */
  private flipStatus(): number {
    if (this.flipping) return 2;
    if (this.flipped) return 3;
    return this.flipDue() ? 1 : 0;
  }
}

/** Cooled camera: the sensor follows its set point exponentially. */
export class Cooler {
  connected = true;
  error = false;
  cooling = true;
  warming = false;
  private setPoint = -10;
  private from = -10;
  private since: number;
  private readonly now: () => number;
  private readonly ambient: () => number;
  private readonly timeConstantMs: number;
  constructor(now: () => number, ambient: () => number, timeConstantSeconds = 20) {
    this.now = now;
    this.ambient = ambient;
    this.since = now();
    this.timeConstantMs = timeConstantSeconds * 1000;
  }
  private get goal(): number {
    return this.cooling ? this.setPoint : this.ambient();
  }
  /** Sensor temperature in °C. */
  temperature(): number {
    return this.goal + (this.from - this.goal) * Math.exp(-(this.now() - this.since) / this.timeConstantMs);
  }
  set(change: { setPoint?: number; cooling: boolean; warming?: boolean }): void {
    this.from = this.temperature();
    this.since = this.now();
    if (change.setPoint !== undefined) this.setPoint = change.setPoint;
    this.cooling = change.cooling;
    this.warming = change.warming ?? false;
  }
  get reached(): boolean {
    return Math.abs(this.temperature() - this.goal) < 0.3;
  }
  /** CCDSTAT: 3 OFF, 4 COOLING, 5 COOLED, 7 WARMUP RUNNING, 8 WARMUP END, 9 ERROR. */
  private code(): number {
    if (this.error) return 9;
    if (this.cooling) return this.reached ? 5 : 4;
    if (this.warming) return this.reached ? 8 : 7;
    return 3;
  }
  status(): { temperature: number; setPoint: number; power: number; cooling: boolean; code: number } {
    const temperature = this.temperature();
    const power = this.cooling
      ? Math.round(Math.max(5, Math.min(100, (this.ambient() - temperature) * 2.6 + (this.reached ? 0 : 35))))
      : 0;
    return { temperature, setPoint: this.setPoint, power, cooling: this.cooling, code: this.code() };
  }
}

/** Focuser whose best position drifts with temperature; defocus widens the stars. */
export class Focuser {
  connected = true;
  position: number;
  private readonly temperature: () => number;
  private readonly random: Random;
  private readonly bestAtZero = 12_480;
  private readonly stepsPerDegree = -38;
  constructor(seed: string, temperature: () => number) {
    this.random = createRandom(seed, 'focuser');
    this.temperature = temperature;
    this.position = Math.round(this.best() + this.random.between(-120, 120));
  }
  best(): number {
    return this.bestAtZero + this.stepsPerDegree * this.temperature();
  }
  /** Broadening in arcsec, to be added in squares to the seeing. */
  blurArcsec(): number {
    return Math.abs(this.position - this.best()) / 60;
  }
  autofocus(): number {
    this.position = Math.round(this.best() + this.random.gaussian() * 4);
    return this.position;
  }
}

/** Autoguider: noisy offsets around zero, larger in wind; settles after a start or dither. */
export class Guider {
  connected = true;
  running = false;
  /** GUIDESTAT 0 STOPPED, 1 WAITING_SETTLE, 2 RUNNING, 3 TIMEOUT_SETTLE. */
  status: 0 | 1 | 2 | 3 = 0;
  /** DITHSTAT 0 STOPPED, 1 RUNNING, 2 WAITING_SETTLE, 3 TIMEOUT_SETTLE. */
  dither: 0 | 1 | 2 | 3 = 0;
  starLost = false;
  private readonly now: () => number;
  private readonly wind: () => number;
  private readonly seed: string;
  private readonly slow: [(ms: number) => number, (ms: number) => number];
  constructor(seed: string, now: () => number, windMetersPerSecond: () => number) {
    this.seed = seed;
    this.now = now;
    this.wind = windMetersPerSecond;
    this.slow = [wander(`${seed}/guide-x`, 240), wander(`${seed}/guide-y`, 310)];
  }
  stop(): void {
    this.status = 0;
    this.dither = 0;
  }
  /** Errors in guide-camera pixels at this second. */
  error(): { x: number; y: number } {
    const at = this.now();
    const noise = createRandom(this.seed, 'guide', Math.floor(at / 1000));
    const sigma = 0.28 + this.wind() * 0.02 + (this.dither === 0 ? 0 : 1.2);
    return {
      x: sigma * noise.gaussian() + 0.12 * this.slow[0](at),
      y: sigma * noise.gaussian() + 0.12 * this.slow[1](at),
    };
  }
}

/** Roof or dome shutter. DOMESHUTTER 0 open, 1 closed, 2 opening, 3 closing, 4 error. */
export class Roof {
  connected = true;
  shutter: 0 | 1 | 2 | 3 | 4 = 0;
}
