import * as v from 'valibot';
import { SEGMENT_PATTERN, segmentProblem } from './segment.ts';

/** The kinds of backup one can ask for. */
export const kinds = ['auto', 'full', 'incremental', 'differential'] as const;

/** The same, read-only all the way down. */
export type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T;

/** A check whose message says what is wrong; it is made from a function that gives the problem or undefined. */
export function rule(problem: (text: string) => string | undefined) {
  return v.check<string, (issue: v.CheckIssue<string>) => string>(
    (text) => problem(text) === undefined,
    (issue) => problem(issue.input) ?? '',
  );
}

/** A text that `problem` finds nothing wrong with. */
export function text(description: string, problem: (text: string) => string | undefined) {
  return v.pipe(v.string(), rule(problem), v.description(description));
}

/** A name that becomes a folder in a backup. */
export function segment(description: string) {
  return v.pipe(
    v.string(),
    rule(segmentProblem),
    v.metadata({ minLength: 1, pattern: SEGMENT_PATTERN }),
    v.description(description),
  );
}

/** A local time of day. */
export function timeOfDay(description: string) {
  return v.pipe(
    v.string(),
    v.regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time between “00:00” and “23:59”'),
    v.description(description),
  );
}

/** A whole number, zero or more. */
export function count(description: string) {
  return v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(0, 'must not be negative'),
    v.description(description),
  );
}

/** Patterns for paths; `problem` says what is wrong with one. */
export function patterns(problem: (text: string) => string | undefined) {
  return v.array(
    v.pipe(
      v.string(),
      rule(problem),
      v.metadata({ minLength: 1 }),
      v.description('A pattern as in .gitignore, seen from the root.'),
    ),
  );
}
