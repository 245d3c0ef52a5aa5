import type { BackupDatabase } from '../core/backup/databases.ts';
import type { ResolvedSet } from '../core/set/resolve.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { entryPath } from './entry-path.ts';
import { type Opened, openVault, rootsOf, setOf, warnOfUnreadable } from './opened.ts';
import { plainText } from './printable.ts';
import type { Session } from './session.ts';
import { UsageError } from './usage.ts';

/** What is compared. */
export interface Comparison {
  readonly opened: Opened;
  readonly from: BackupRecord | undefined;
  /** Undefined for the workspace. */
  readonly to: BackupRecord | undefined;
  readonly paths: readonly string[];
}

/** Finds out what is to be compared from a command’s arguments. Throws what opening a vault and references throw. */
export async function comparisonOf(
  reference: string,
  rest: readonly string[],
  workspace: boolean,
  session: Session,
): Promise<Comparison> {
  const { findBackup, looksLikeReference, predecessorOf } = await import('../core/reference.ts');
  const opened = await openVault(session, workspace);
  const { listing, setName } = opened;
  const second = !workspace && looksLikeReference(rest[0] ?? '') ? rest[0] : undefined;
  warnOfUnreadable(session, listing, [reference, second ?? '']);
  const record = findBackup(listing, reference, setName);
  const other = second === undefined ? undefined : findBackup(listing, second, setName);
  const roots = rootsOf(opened, record);
  const paths = rest
    .slice(other === undefined ? 0 : 1)
    .map((path) => entryPath(path, roots, session.surroundings.cwd));
  if (workspace) return { opened, from: record, to: undefined, paths };
  if (other !== undefined) return { opened, from: record, to: other, paths };
  return { opened, from: predecessorOf(listing.records, record), to: record, paths };
}

/** The set of the workspace that a backup is compared with. @throws {UsageError} when there is none any more. */
export function liveSetOf(opened: Opened, from: BackupRecord): ResolvedSet {
  const set = setOf(opened, from);
  if (set !== undefined) return set;
  throw new UsageError(
    `the workspace has no set “${plainText(from.set)}”, so there is nothing to compare with.`,
    'Name the workspace with -C DIR.',
  );
}

/** What databases are compared with: those of a backup, or the live ones. */
export function databasesOf({ opened, from, to }: Comparison): BackupRecord | readonly BackupDatabase[] {
  return to ?? (from === undefined ? [] : liveSetOf(opened, from).databases);
}
