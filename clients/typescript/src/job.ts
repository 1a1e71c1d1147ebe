/** The job descriptor: canonical JSON whose SHA-256 is in the job's account, so that nobody can change a paid job. */
import type { ReadonlyUint8Array } from '@solana/kit';

import { equalBytes, hash, WireError } from './bytes.js';
import { canonicalJson, type Json } from './canonicalJson.js';

const LEN_MAX = 64 * 1024;

/** A file that the node fetches. */
export type JobInput = { readonly url: string; readonly sha256: string; readonly path: string };

/** What a submitter wants to have run; the names are those of the document. */
export type JobDescriptor = {
  readonly version: number;
  readonly title: string;
  readonly description: string;
  /** By digest: `sha256:<hex>` or `repository@sha256:<hex>`. */
  readonly image: string;
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly inputs: readonly JobInput[];
  readonly requirements: {
    readonly min_memory_mb: number;
    readonly min_cpus: number;
    readonly gpu: boolean;
    readonly tier: string;
  };
  readonly limits: {
    readonly memory_mb: number;
    readonly cpu_milli: number;
    readonly pids: number;
    readonly timeout_s: number;
  };
  readonly network: boolean;
  readonly redundancy: number;
  readonly priority: number;
  /** Unix seconds; absent if none. */
  readonly reveal_at_s?: number;
  /** The workload's own. */
  readonly config: { readonly [key: string]: Json };
};

/** The descriptor's bytes; throws where it is outside of the limits. */
export function encodeJob(job: JobDescriptor): Uint8Array {
  validateJob(job);
  const bytes = new TextEncoder().encode(canonicalJson(job));
  if (bytes.length > LEN_MAX)
    throw new WireError(`the descriptor has ${bytes.length} bytes, at most ${LEN_MAX} are allowed`);
  return bytes;
}

/** Reads a descriptor that must be in canonical form. */
export function decodeJob(bytes: ReadonlyUint8Array): JobDescriptor {
  if (bytes.length > LEN_MAX)
    throw new WireError(`the descriptor has ${bytes.length} bytes, at most ${LEN_MAX} are allowed`);
  let job: unknown;
  try {
    job = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes as Uint8Array));
  } catch (error) {
    throw new WireError(`the descriptor is not a job: ${(error as Error).message}`, { cause: error });
  }
  if (!equalBytes(encodeJob(job as JobDescriptor), bytes))
    throw new WireError('the descriptor is not in canonical form');
  return job as JobDescriptor;
}

/** What the job's account holds. */
export function jobHash(job: JobDescriptor): Uint8Array {
  return hash(encodeJob(job));
}

const KEYS = {
  job: 'command config description env image inputs limits network priority redundancy requirements title version',
  input: 'path sha256 url',
  requirements: 'gpu min_cpus min_memory_mb tier',
  limits: 'cpu_milli memory_mb pids timeout_s',
};
const DIGEST = /^(?:([A-Za-z0-9._/:-]{1,255})@)?sha256:[0-9a-f]{64}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const URL = /^(?:https|s3|ipfs|file):\/\/./s;
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Throws with the first field that is outside of its limits. */
export function validateJob(job: JobDescriptor): void {
  object('the descriptor', job, KEYS.job, ['reveal_at_s']);
  number('version', job.version, 1, 1);
  text('title', job.title, 1, 128);
  text('description', job.description, 0, 4096);
  pattern('image', job.image, DIGEST, 'an image is named by its sha256 digest');
  list('command', job.command, 64).forEach((argument) => text('argument', argument, 0, 4096));
  const env = Object.entries(object('env', job.env));
  list('env', env, 64).forEach(([name, value]) => {
    pattern('env name', name, ENV_NAME, 'letters, digits and _ are allowed, no digit first');
    text('env value', value, 0, 4096);
  });
  list('inputs', job.inputs, 32).forEach(validateInput);
  if (new Set(job.inputs.map(({ path }) => path)).size < job.inputs.length)
    throw new WireError('two inputs have one path');
  object('requirements', job.requirements, KEYS.requirements);
  pattern('tier', job.requirements.tier, /^(?:cpu|gpu|hpc)$/, 'cpu, gpu or hpc');
  number('min_memory_mb', job.requirements.min_memory_mb, 0, 16_777_216);
  number('min_cpus', job.requirements.min_cpus, 0, 4096);
  boolean('gpu', job.requirements.gpu);
  object('limits', job.limits, KEYS.limits);
  number('memory_mb', job.limits.memory_mb, 4, 16_777_216);
  number('cpu_milli', job.limits.cpu_milli, 10, 4_096_000);
  number('pids', job.limits.pids, 1, 32_768);
  number('timeout_s', job.limits.timeout_s, 1, 2_592_000);
  boolean('network', job.network);
  number('redundancy', job.redundancy, 1, 8);
  number('priority', job.priority, 0, 9);
  if (job.reveal_at_s !== undefined) number('reveal_at_s', job.reveal_at_s, 0, Number.MAX_SAFE_INTEGER);
  object('config', job.config);
}

function validateInput(input: JobInput): void {
  object('input', input, KEYS.input);
  text('input url', input.url, 1, 2048);
  pattern('input url', input.url, URL, 'https, s3, ipfs and file addresses are allowed');
  pattern('input sha256', input.sha256, SHA256, '64 lower-case hex digits are needed');
  text('input path', input.path, 2, 255);
  pattern('input path', input.path, PATH, 'an absolute path without . and .. is needed');
}

function refuse(field: string, value: unknown, rule: string): never {
  throw new WireError(`${field} is ${String(value).slice(0, 80)}: ${rule}`);
}

/** An object; with `keys`, of exactly these and perhaps the optional ones. */
function object<T>(field: string, value: T, keys?: string, optional: readonly string[] = []): T & object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(field, value, 'an object is needed');
  const there = Object.keys(value).filter((key) => !optional.includes(key));
  if (keys !== undefined && there.sort().join(' ') !== keys)
    refuse(`the keys of ${field}`, there, `${keys} are needed`);
  return value;
}

function list<T>(field: string, value: readonly T[], max: number): readonly T[] {
  if (!Array.isArray(value) || value.length > max) refuse(field, value, `a list of at most ${max} is needed`);
  return value;
}

function number(field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) refuse(field, value, `${min} to ${max} is allowed`);
}

function boolean(field: string, value: boolean): void {
  if (typeof value !== 'boolean') refuse(field, value, 'true or false is needed');
}

/** A string of so many bytes of UTF-8, none of them zero. */
function text(field: string, value: string, min: number, max: number): void {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value).length : -1;
  if (bytes < min || bytes > max || value.includes('\0'))
    refuse(field, value, `${min} to ${max} bytes are allowed, none of them zero`);
}

function pattern(field: string, value: string, allowed: RegExp, rule: string): void {
  if (typeof value !== 'string' || !allowed.test(value)) refuse(field, value, rule);
}
