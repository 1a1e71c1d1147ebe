const EPOCH_LEN_MAX_S = 7 * 86_400;
const SLACK_MAX_MS = 10_000n;

/** The network's calendar: epochs of `epochLen` seconds in buckets of `bucketLen` seconds. */
export class Schedule {
  constructor(
    readonly epochLen: number,
    readonly bucketLen: number,
  ) {
    if (!Number.isInteger(epochLen) || epochLen < 1 || epochLen > EPOCH_LEN_MAX_S) {
      throw new RangeError(`the epoch length must be 1 to ${EPOCH_LEN_MAX_S} seconds, not ${epochLen}`);
    }
    if (!Number.isInteger(bucketLen) || bucketLen < 1 || epochLen % bucketLen !== 0) {
      throw new RangeError(`the bucket length must divide the epoch of ${epochLen} seconds, ${bucketLen} does not`);
    }
  }

  get buckets(): number {
    return this.epochLen / this.bucketLen;
  }

  /** The epoch of a moment, Unix seconds. */
  epochOf(unixS: bigint): bigint {
    return unixS / BigInt(this.epochLen);
  }

  /** First second of an epoch. */
  epochStart(epoch: bigint): bigint {
    return epoch * BigInt(this.epochLen);
  }

  /** The first bucket that starts at or after `unixS`; the number of buckets if none of this epoch does. */
  firstBucketAfter(epoch: bigint, unixS: bigint): number {
    const into = unixS - this.epochStart(epoch);
    if (into <= 0n) return 0;
    const length = BigInt(this.bucketLen);
    const bucket = (into + length - 1n) / length;
    return bucket > BigInt(this.buckets) ? this.buckets : Number(bucket);
  }

  /** Whether a heartbeat for `bucket` counts when received at `receiveMs`: in it, or a tenth of it (10 s) off. */
  bucketAccepts(epoch: bigint, bucket: number, receiveMs: bigint): boolean {
    if (bucket >= this.buckets) return false;
    const startMs = (this.epochStart(epoch) + BigInt(bucket * this.bucketLen)) * 1000n;
    const endMs = startMs + BigInt(this.bucketLen) * 1000n;
    const tenthMs = BigInt(this.bucketLen) * 100n;
    const slackMs = tenthMs < SLACK_MAX_MS ? tenthMs : SLACK_MAX_MS;
    return receiveMs + slackMs >= startMs && receiveMs < endMs + slackMs;
  }
}
