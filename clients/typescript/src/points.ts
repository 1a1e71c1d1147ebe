/** How a project turns uptime and task scores into points. */
export interface PointsFormula {
  /** Points of full uptime. */
  readonly wUptime: number;
  /** Points of a full task score. */
  readonly wTask: number;
  /** The most points that one tenure earns in an epoch. */
  readonly cap: bigint;
  /** Below this uptime (basis points) there are no points at all. */
  readonly minUptimeBps: number;
}

/** Uptime in basis points: `floor(10,000 x counted / (buckets - excused))`, at most 10,000; 0 if all are excused. */
export function uptimeBps(counted: number, buckets: number, excused: number): number {
  const due = Math.max(0, buckets - excused);
  return due === 0 ? 0 : Math.floor((10_000 * Math.min(counted, due)) / due);
}

/** Points of one tenure and epoch: `min(cap, (wUptime x uptime + wTask x score) / 10,000)`. */
export function points(formula: PointsFormula, uptimeBps: number, scoreBps: number): bigint {
  const [uptime, score] = [Math.min(uptimeBps, 10_000), Math.min(scoreBps, 10_000)];
  if (uptime < formula.minUptimeBps) return 0n;
  const weighed = BigInt(formula.wUptime) * BigInt(uptime) + BigInt(formula.wTask) * BigInt(score);
  const earned = weighed / 10_000n;
  return earned > formula.cap ? formula.cap : earned;
}
