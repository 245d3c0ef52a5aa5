import type { Entry, EntryType } from '../vault/entry.ts';

/** An entry on one side of a comparison: in a backup, or as it is on this machine now. */
export interface ComparedEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
  readonly mode: number;
  /** Where a link points. */
  readonly target?: string | undefined;
  /** Ids of its chunks, when the vault has its content. */
  readonly chunks?: Buffer | undefined;
  /** What else is known of a table. */
  readonly extra?: Entry['extra'];
  /** The file with its content, spelled as in `source/name.ts`, when it is a live one. */
  readonly file?: string | undefined;
}

/** One entry that differs. A mode that changed is `modified`, a time that changed is nothing. */
export interface EntryChange {
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Where it was, for `renamed`. */
  readonly oldPath?: string | undefined;
  /** How much of a renamed file stayed the same, in percent; absent where all of it did. */
  readonly similarity?: number | undefined;
  /** Absent for `added`. */
  readonly before?: ComparedEntry | undefined;
  /** Absent for `deleted`. */
  readonly after?: ComparedEntry | undefined;
}

/** The change between two sides of one path; undefined when there is none. */
export function changeBetween(
  before: ComparedEntry | undefined,
  after: ComparedEntry | undefined,
): EntryChange | undefined {
  const path = (after ?? before)?.path ?? '';
  if (before === undefined) return after === undefined ? undefined : { path, change: 'added', after };
  if (after === undefined) return { path, change: 'deleted', before };
  return isSame(before, after) ? undefined : { path, change: 'modified', before, after };
}

/** Whether nothing of what a restore would bring back differs, apart from times. */
export function isSame(before: ComparedEntry, after: ComparedEntry): boolean {
  return (
    before.type === after.type &&
    (before.mode === after.mode || before.type === 'link') &&
    before.target === after.target &&
    hasSameContent(before, after) &&
    // A table may have its rows elsewhere; then its checksum tells.
    (before.type !== 'table' || JSON.stringify(before.extra) === JSON.stringify(after.extra))
  );
}

/**
 * Whether a change is of interest to people: where tables were cut is only for the next backup, and the pages of SQLite
 * are what its tables and its schema are told by.
 */
export function isOfInterest({ path }: Pick<EntryChange, 'path'>): boolean {
  return !/^databases\/[^/]+\/(?:row-chunks|database\.sqlite)$/.test(path);
}

/** Whether two entries have the same content, as far as their chunks tell; live ones without chunks differ. */
export function hasSameContent(before: ComparedEntry, after: ComparedEntry): boolean {
  if (before.chunks === undefined || after.chunks === undefined) return before.type !== 'file';
  return before.chunks.equals(after.chunks);
}

/**
 * Makes one `renamed` of each file that was deleted in one place and added in another with the same content; of several
 * with that content, those of the same name find each other first. The order stays, by the new path.
 */
export function pairRenames(changes: readonly EntryChange[]): EntryChange[] {
  const deleted = new Map<string, EntryChange[]>();
  for (const change of changes) {
    if (change.change !== 'deleted') continue;
    const content = contentKey(change.before);
    if (content !== undefined) deleted.set(content, [...(deleted.get(content) ?? []), change]);
  }
  if (deleted.size === 0) return [...changes];
  const movedFrom = new Map<EntryChange, EntryChange>();
  for (const sameNameOnly of [true, false]) {
    for (const change of changes) {
      if (change.change !== 'added' || movedFrom.has(change)) continue;
      const candidates = deleted.get(contentKey(change.after) ?? '') ?? [];
      const at = candidates.findIndex(({ path }) => !sameNameOnly || nameOf(path) === nameOf(change.path));
      const [found] = at < 0 ? [] : candidates.splice(at, 1);
      if (found !== undefined) movedFrom.set(change, found);
    }
  }
  const gone = new Set(movedFrom.values());
  return changes
    .filter((change) => !gone.has(change))
    .map((change) => {
      const from = movedFrom.get(change);
      if (from === undefined) return change;
      return { ...change, change: 'renamed', oldPath: from.path, before: from.before };
    });
}

function contentKey(entry: ComparedEntry | undefined): string | undefined {
  if (entry?.type !== 'file' || entry.chunks === undefined || entry.chunks.length === 0) return undefined;
  return entry.chunks.toString('latin1');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
