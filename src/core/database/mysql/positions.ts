import type { DatabaseInfo } from '../engine.ts';

/** Where counting goes on, by name. */
export interface Positions {
  /** The next AUTO_INCREMENT value of each table that has one. */
  readonly counters: ReadonlyMap<string, string>;
  /** What SETVAL takes after the name of a sequence. */
  readonly sequences: ReadonlyMap<string, string>;
}

/** The positions as they stand among a dump’s details. A table may be called `__proto__`: it is a key like any other. */
export function writePositions({ counters, sequences }: Positions): DatabaseInfo['details'] {
  return { counters: Object.fromEntries(counters), sequences: Object.fromEntries(sequences) };
}

/** The positions in a dump; what could not stand in a statement is left out. */
export function readPositions({ details }: Pick<DatabaseInfo, 'details'>): Positions {
  return {
    counters: matching(details['counters'], /^\d+$/),
    sequences: matching(details['sequences'], /^-?\d+, 0, \d+$/),
  };
}

function matching(positions: unknown, form: RegExp): ReadonlyMap<string, string> {
  return new Map(
    Object.entries((positions ?? {}) as Record<string, string>).filter(([, at]) => form.test(at)),
  );
}
