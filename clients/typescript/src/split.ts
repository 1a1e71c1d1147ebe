/** Who gets how much, in base units; every split conserves what came in. */

/** 100 %, in basis points. */
export const BPS = 10_000n;

/** Splits `amount` into the fee, `floor(amount x feeBps / 10,000)`, and the rest. More than 10,000 counts as 10,000. */
export function feeAndPool(amount: bigint, feeBps: number): { fee: bigint; pool: bigint } {
  const bps = BigInt(feeBps) > BPS ? BPS : BigInt(feeBps);
  const fee = (amount * bps) / BPS;
  return { fee, pool: amount - fee };
}

/** Splits `pool` among `k`: the same to each, and the dust that is left. Nobody to pay: all of it is dust. */
export function equalShares(pool: bigint, k: number): { each: bigint; dust: bigint } {
  if (k === 0) return { each: 0n, dust: pool };
  return { each: pool / BigInt(k), dust: pool % BigInt(k) };
}

/**
 * Shares `pool` by points: `floor(points x pool / total)` each, and what is left one base unit each by largest
 * remainder, ties to the lower index. The shares sum to `pool`; who has no points gets nothing.
 */
export function poolShares(points: readonly bigint[], pool: bigint): bigint[] {
  const total = points.reduce((sum, each) => sum + each, 0n);
  if (total === 0n) throw new RangeError(`a pool of ${pool} cannot be shared: nobody has points`);
  const shares = points.map((each) => (each * pool) / total);
  const left = Number(pool - shares.reduce((sum, each) => sum + each, 0n));
  const remainders = points.map((each, index) => ({ index, remainder: (each * pool) % total }));
  remainders.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of remainders.slice(0, left)) shares[index]! += 1n;
  return shares;
}

/**
 * The part of `stake` that is due for work from `startedAt` to `cancelAt` of a job that ends at `deadline` (Unix
 * seconds): nothing before the start and all from the deadline on.
 */
export function elapsedShare(stake: bigint, startedAt: bigint, cancelAt: bigint, deadline: bigint): bigint {
  if (cancelAt <= startedAt) return 0n;
  if (cancelAt >= deadline) return stake;
  return (stake * (cancelAt - startedAt)) / (deadline - startedAt);
}

/** How many of `n` oracles must agree: the least `t` with `2t > n` and `3t >= 2n`. */
export function threshold(n: number): number {
  return Math.max(Math.floor(n / 2) + 1, Math.ceil((2 * n) / 3));
}
