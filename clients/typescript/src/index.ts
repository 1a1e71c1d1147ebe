/** Client of Muster's two programs, and the rules that everybody checks them by. */
export * as jobs from './generated/jobs/index.js';
export * as network from './generated/network/index.js';

export * from './addresses.js';
export * from './bitmap.js';
export { bytesToHex, hash, hexToBytes, WireError } from './bytes.js';
export * from './canonicalJson.js';
export * from './dataset.js';
export * from './events.js';
export * from './frames/answer.js';
export * from './frames/assignment.js';
export * from './frames/frame.js';
export * from './frames/heartbeat.js';
export { REASONS, type Reason } from './frames/reason.js';
export * from './frames/receipt.js';
export * from './frames/request.js';
export * from './frames/result.js';
export * from './frames/scores.js';
export * from './frames/view.js';
export * from './job.js';
export * from './leaves.js';
export * from './merkle.js';
export * from './points.js';
export * from './schedule.js';
export * from './signature.js';
export * from './split.js';
export * from './tlog.js';
export * from './votes.js';
