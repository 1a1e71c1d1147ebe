/**
 * JSON with one encoding per value, after RFC 8785: no white space, keys sorted by UTF-16 code units, ECMAScript's
 * numbers. Whole numbers that JSON implementations do not all hold exactly are refused.
 */
import { WireError } from './bytes.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

export function canonicalJson(value: Json): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return stringText(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${stringText(key)}:${canonicalJson(item)}`).join(',')}}`;
}

function numberText(value: number): string {
  // from 10^21 on ECMAScript writes an exponent, and nothing reads it back as an integer
  const unsafe = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
  if (!Number.isFinite(value) || unsafe) {
    throw new WireError(`the number ${value} is outside of what every JSON implementation holds exactly`);
  }
  return JSON.stringify(value);
}

function stringText(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new WireError('a string holds half a surrogate pair');
  return JSON.stringify(text);
}
