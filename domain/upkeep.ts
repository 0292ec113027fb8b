/** When upkeep (copying, reading back, backup) may use disk and network: away from every served site's dawn, when the night's frames are wrapped up. */
const DAY_MINUTES = 1440;
const STEP_MINUTES = 10;
/** Local solar time of dawn, which moves by two hours with season and latitude. */
const DAWN_MINUTES = 6 * 60;
/** Farther away than this is far enough: then the day decides. */
const FAR_MINUTES = 4 * 60;

const circular = (minutes: number): number => {
  const turned = ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  return Math.min(turned, DAY_MINUTES - turned);
};
const solar = (utcMinutes: number, longitudeDegrees: number): number => utcMinutes + longitudeDegrees * 4;

/** Minutes between a work of some length and the nearest dawn of any site; 0 when a dawn falls into it. */
export function minutesFromDawn(
  startUtcMinutes: number,
  lengthMinutes: number,
  longitudesDegrees: readonly number[],
): number {
  const middle = startUtcMinutes + lengthMinutes / 2;
  return Math.min(
    DAY_MINUTES,
    ...longitudesDegrees.map((longitude) =>
      Math.max(0, circular(solar(middle, longitude) - DAWN_MINUTES) - lengthMinutes / 2),
    ),
  );
}

/**
 * The minute of the day in UTC at which work of a length begins, repeated every `periodMinutes`: as far as can be from any site's dawn, and then as
 * near to the sites' noon as can be. Without a site it is Europe's.
 */
export function quietMinuteUtc(
  longitudesDegrees: readonly number[],
  lengthMinutes: number,
  periodMinutes = DAY_MINUTES,
): number {
  const sites = longitudesDegrees.length > 0 ? longitudesDegrees : [0];
  const runs = (start: number): number[] =>
    Array.from({ length: DAY_MINUTES / periodMinutes }, (_, n) => start + n * periodMinutes);
  const far = (start: number): number =>
    Math.min(FAR_MINUTES, ...runs(start).map((run) => minutesFromDawn(run, lengthMinutes, sites)));
  const fromNoon = (start: number): number =>
    sites.reduce((sum, longitude) => sum + circular(solar(start + lengthMinutes / 2, longitude) - DAY_MINUTES / 2), 0);
  const starts = Array.from({ length: periodMinutes / STEP_MINUTES }, (_, n) => n * STEP_MINUTES);
  return starts.toSorted((a, b) => far(b) - far(a) || fromNoon(a) - fromNoon(b) || a - b)[0]!;
}
