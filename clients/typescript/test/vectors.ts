/** The files that the tests hold the client to; npm runs them in the package's folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { address, getAddressDecoder, type Address } from '@solana/kit';

import { hexToBytes } from '../src/index.js';

const ROOT = '../..';

/** A case; those of one file have different fields, and each test knows its own. */
export type Case = Record<string, any>;

export function golden(file: string): Case[] {
  return JSON.parse(readFileSync(join(ROOT, 'protocol/vectors', file), 'utf8'));
}

export function goldenFiles(): string[] {
  return readdirSync(join(ROOT, 'protocol/vectors')).sort();
}

export function addressCases(): Case[] {
  return JSON.parse(readFileSync(join(ROOT, 'client/vectors/addresses.json'), 'utf8'));
}

export function samples(file: 'accounts' | 'events' | 'instructions'): Case[] {
  return JSON.parse(readFileSync(join('vectors', `${file}.json`), 'utf8'));
}

export function idl(program: 'network' | 'jobs') {
  return JSON.parse(readFileSync(join(ROOT, 'idl', `muster_${program}.json`), 'utf8'));
}

/** The address with these bytes, hex. */
export function addressOf(hex: string): Address {
  return address(getAddressDecoder().decode(hexToBytes(hex)));
}
