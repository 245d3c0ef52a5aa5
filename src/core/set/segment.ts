import { isDeviceName } from '../path/windows-name.ts';

const CONTROL = /\p{Cc}/u;
const FORBIDDEN = /[/\\:*?"<>|]/;
// With the `u` flag a pair counts as one character, so only lone ones match.
const LONE_SURROGATE = /\p{Surrogate}/u;
const MAX_BYTES = 200;

/** The same rules as far as a JSON schema's `pattern` can say them; {@link segmentProblem} says them all. */
export const SEGMENT_PATTERN = String.raw`^(?!\.{1,2}$)[^/\\:*?"<>|]+$`;

/**
 * Why a name cannot be one segment of a path on every system (a backup taken on Linux is restored on Windows),
 * as the end of a sentence about the name; undefined when it can.
 */
export function segmentProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name === '.' || name === '..') return 'must not be “.” or “..”';
  if (CONTROL.test(name)) return 'must not contain control characters';
  if (LONE_SURROGATE.test(name)) return 'must be valid Unicode';
  const forbidden = FORBIDDEN.exec(name)?.[0];
  if (forbidden !== undefined)
    return `must not contain “${forbidden}”, because it becomes the name of a folder`;
  if (/[. ]$/.test(name) || name.startsWith(' '))
    return 'must not begin or end with a space or end with a dot';
  if (isDeviceName(name)) return 'must not be a name that Windows keeps for devices';
  if (Buffer.byteLength(name) > MAX_BYTES) return `must not be longer than ${String(MAX_BYTES)} bytes`;
  return undefined;
}

/**
 * A name that {@link segmentProblem} accepts and that still reads like the given one: what cannot stand becomes
 * `-`. An empty result becomes `fallback`.
 */
export function toSegment(name: string, fallback: string): string {
  let segment = name.replace(/[\p{Cc}\p{Surrogate}/\\:*?"<>|]+/gu, '-').replace(/^[ -]+|[. -]+$/g, '');
  while (Buffer.byteLength(segment) > MAX_BYTES)
    segment = Array.from(segment).slice(0, -1).join('').trimEnd();
  return segmentProblem(segment) === undefined ? segment : fallback;
}

/** What two names have in common that a disk which ignores case or Unicode form would mix up. */
export function foldedName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
