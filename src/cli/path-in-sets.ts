import { VaultError } from '../core/vault/error.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { entryPath } from './entry-path.ts';
import { type Opened, rootsOf } from './opened.ts';
import { plainText } from '../core/printable.ts';
import type { UnreadRecords } from './unread-records.ts';
import { UsageError } from './usage.ts';

/** A path as the backups of one set have it. */
export interface PathInSet {
  readonly set: string;
  readonly path: string;
  /** All backups of the set, newest first. */
  readonly records: readonly BackupRecord[];
}

/** What was found at a path in the backups of one set. */
export interface Found<T> extends PathInSet {
  readonly found: T;
}

/** Backups by their sets, those of the newest first; each set has a history of its own. */
export function bySet(newestFirst: readonly BackupRecord[]): Map<string, BackupRecord[]> {
  const sets = new Map<string, BackupRecord[]>();
  for (const record of newestFirst) {
    const known = sets.get(record.set);
    if (known === undefined) sets.set(record.set, [record]);
    else known.push(record);
  }
  return sets;
}

/**
 * What a path of the user is called in the backups of each set, as {@link entryPath} finds it; sets in none of whose
 * folders it lies are left out.
 * @throws {UsageError} when it lies in no folder of any set.
 */
export function pathInSets(
  opened: Pick<Opened, 'placed'>,
  newestFirst: readonly BackupRecord[],
  input: string,
  cwd: string,
): PathInSet[] {
  let outside: UsageError | undefined;
  const places: PathInSet[] = [];
  for (const [set, records] of bySet(newestFirst)) {
    try {
      places.push({ set, path: entryPath(input, rootsOf(opened, records[0]!), cwd), records });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      outside = error;
    }
  }
  if (places.length === 0 && outside !== undefined) throw outside;
  return places;
}

/**
 * Asks set by set; where no set knows the path, but not every backup could be searched, there is no answer.
 * @throws {VaultError} `unknown-entry` when no set knows the path.
 */
export async function inEachSet<T>(
  places: readonly PathInSet[],
  unread: UnreadRecords,
  ask: (place: PathInSet) => Promise<T>,
): Promise<Found<T>[]> {
  let unknown: VaultError | undefined;
  const answers: Found<T>[] = [];
  for (const place of places) {
    try {
      answers.push({ ...place, found: await ask(place) });
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'unknown-entry') throw error;
      unknown = error;
    }
  }
  if (answers.length === 0 && unknown !== undefined && unread.isEmpty) throw unknown;
  return answers;
}

/** Versions that were found set by set as one list, newest first, each with its set and its path there. */
export function inOneList<T extends { readonly record: BackupRecord }>(
  newestFirst: readonly BackupRecord[],
  answers: readonly Found<readonly T[]>[],
): (T & { readonly path: string })[] {
  const order = new Map(newestFirst.map(({ id }, at) => [id, at]));
  const placeOf = ({ record }: T): number => order.get(record.id) ?? 0;
  return answers
    .flatMap(({ path, found }) => found.map((version) => ({ path, ...version })))
    .sort((a, b) => placeOf(a) - placeOf(b));
}

/** What tells the set of a version, where they are of several. */
export function setColumn(
  versions: readonly { readonly record: BackupRecord }[],
): (record: BackupRecord) => string {
  const isOne = new Set(versions.map(({ record }) => record.set)).size < 2;
  return ({ set }) => (isOne ? '' : plainText(set));
}
