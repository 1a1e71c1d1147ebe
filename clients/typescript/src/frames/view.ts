import {
  addCodecSizePrefix,
  createCodec,
  getAddressCodec,
  getAddressEncoder,
  getBytesCodec,
  getStructCodec,
  getU16Codec,
  getU32Codec,
  getU64Codec,
  transformCodec,
  type Address,
  type Codec,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { Bitmap, BUCKETS_MAX } from '../bitmap.js';
import { atMost, bytesCodec, compareBytes, listCodec, strictlyAscending, WireError } from '../bytes.js';
import { type FrameType } from './frame.js';
import { checkRefusals, refusalsCodec, type Refusal } from './refusals.js';

const NODES_MAX = 2 ** 22;
const LEN_MAX = 2 ** 31;
const ORACLES_MAX = 16;

/** One node as an oracle saw it. */
export interface NodeView {
  readonly nodeKey: Address;
  readonly bitmap: Bitmap;
  /** Refused messages, by reason, ascending. */
  readonly refused: readonly Refusal[];
  /** The last accepted heartbeat frame; empty if there is none. */
  readonly lastFrame: ReadonlyUint8Array;
}

/** What one oracle saw in an epoch. */
export interface View {
  /** Signs. */
  readonly oracleKey: Address;
  readonly epoch: bigint;
  readonly buckets: number;
  /** Strictly ascending by node key, bytewise. */
  readonly nodes: readonly NodeView[];
}

function nodeCodec(buckets: number): Codec<NodeView> {
  const bitmap = transformCodec(
    bytesCodec('bitmap', Bitmap.byteLength(buckets)),
    ({ bytes }: Bitmap) => bytes,
    (bytes) => new Bitmap(buckets, bytes),
  );
  return getStructCodec([
    ['nodeKey', getAddressCodec()],
    ['bitmap', bitmap],
    ['refused', refusalsCodec],
    ['lastFrame', addCodecSizePrefix(getBytesCodec(), getU16Codec())],
  ]);
}

const head = getStructCodec([
  ['oracleKey', getAddressCodec()],
  ['epoch', getU64Codec()],
  ['buckets', getU32Codec()],
]);

/** How long a bitmap is, the head says. */
const body: Codec<View> = createCodec({
  getSizeFromValue: (view: View) => head.fixedSize + nodes(view.buckets).encode(view.nodes).length,
  write: (view: View, bytes, offset) => nodes(view.buckets).write(view.nodes, bytes, head.write(view, bytes, offset)),
  read: (bytes, offset) => {
    const [fields, at] = head.read(bytes, offset);
    checkBuckets(fields.buckets);
    const [list, end] = nodes(fields.buckets).read(bytes, at);
    return [{ ...fields, nodes: list }, end];
  },
});

function nodes(buckets: number): Codec<readonly NodeView[], NodeView[]> {
  return listCodec(nodeCodec(buckets), getU32Codec());
}

function checkBuckets(buckets: number): void {
  if (buckets < 1 || buckets > BUCKETS_MAX)
    throw new WireError(`buckets is ${buckets}, 1 to ${BUCKETS_MAX} are allowed`);
}

const compareKeys = (a: Address, b: Address) =>
  compareBytes(getAddressEncoder().encode(a), getAddressEncoder().encode(b));

export const view: FrameType<View> = {
  name: 'view',
  kind: 4,
  lenMax: LEN_MAX,
  body,
  signer: ({ oracleKey }) => oracleKey,
  validate: ({ buckets, nodes }) => {
    checkBuckets(buckets);
    atMost('node count', nodes.length, NODES_MAX);
    strictlyAscending('node', nodes, (a, b) => compareKeys(a.nodeKey, b.nodeKey));
    for (const { nodeKey, bitmap, refused } of nodes) {
      if (bitmap.buckets !== buckets) throw new WireError(`the bitmap of ${nodeKey} has ${bitmap.buckets} buckets`);
      checkRefusals(nodeKey, refused);
    }
  },
};

/**
 * What the views that are in say together: a bucket counts when at least `threshold` of them have it. Every node that
 * any view names is there; a missing view counts as zeros.
 */
export function combineViews(views: readonly View[], threshold: number): Map<Address, Bitmap> {
  const [first] = views;
  if (threshold < 1) throw new RangeError('the threshold is 0');
  atMost('view count', views.length, ORACLES_MAX);
  if (first === undefined) return new Map();
  if (views.some(({ epoch, buckets }) => epoch !== first.epoch || buckets !== first.buckets)) {
    throw new WireError('the views are of different epochs or schedules');
  }
  if (new Set(views.map(({ oracleKey }) => oracleKey)).size < views.length) {
    throw new WireError('two views are by the same oracle');
  }
  const seen = new Map<Address, Bitmap[]>();
  for (const { nodeKey, bitmap } of views.flatMap(({ nodes }) => nodes)) {
    seen.set(nodeKey, [...(seen.get(nodeKey) ?? []), bitmap]);
  }
  const buckets = Array.from({ length: first.buckets }, (_, bucket) => bucket);
  return new Map(
    [...seen].map(([nodeKey, bitmaps]) => {
      const counted = buckets.filter((bucket) => bitmaps.filter((bitmap) => bitmap.has(bucket)).length >= threshold);
      return [nodeKey, Bitmap.of(first.buckets, counted)];
    }),
  );
}
