import { sep } from 'node:path';

/**
 * What a lock is over, as messages call it: absolute folders with all that is below them, and whatever else has a name.
 * Undefined is the vault, all of it.
 */
export type Over = readonly string[] | undefined;

export const VAULT = 'The vault';

/** What two locks are both over; the narrower where one is over a part of what the other is over. */
export function commonTo(one: Over, other: Over): string | undefined {
  if (one === undefined || other === undefined) return one?.[0] ?? other?.[0] ?? VAULT;
  for (const a of one) {
    for (const b of other) {
      if (isPartOf(a, b)) return a;
      if (isPartOf(b, a)) return b;
    }
  }
  return undefined;
}

function isPartOf(name: string, whole: string): boolean {
  return name === whole || name.startsWith(whole.endsWith(sep) ? whole : whole + sep);
}
