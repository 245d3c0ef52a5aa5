import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupDatabase } from '../core/backup/databases.ts';
import { systemCode } from '../core/errors.ts';
import type { ResolvedSet } from '../core/set/resolve.ts';
import { VaultError } from '../core/vault/error.ts';
import { isWithin } from '../core/vault/order.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { Vault } from '../core/vault/vault.ts';
import { entryPath, type KnownRoot } from './entry-path.ts';
import { type Opened, openVault, rootsOf, setOf, warnOfUnreadable } from './opened.ts';
import { plainText } from '../core/printable.ts';
import type { Session } from './session.ts';
import { shortId } from './shown-record.ts';
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
  const { findBackup, predecessorOf } = await import('../core/reference.ts');
  const opened = await openVault(session, workspace);
  const { listing, setName } = opened;
  warnOfUnreadable(session, listing, [reference, workspace ? '' : (rest[0] ?? '')]);
  const record = findBackup(listing, reference, setName);
  const roots = rootsOf(opened, record);
  const other = workspace ? undefined : await otherBackup(opened, record, rest[0] ?? '', session);
  const paths = rest
    .slice(other === undefined ? 0 : 1)
    .map((path) => entryPath(path, roots, session.surroundings.cwd));
  if (workspace) return { opened, from: record, to: undefined, paths };
  if (other !== undefined) return { opened, from: record, to: other, paths };
  return { opened, from: predecessorOf(listing.records, record), to: record, paths };
}

/** The backup that an argument names; undefined where it is a path, also one that is written like an id that none has. */
async function otherBackup(
  opened: Opened,
  record: BackupRecord,
  argument: string,
  session: Session,
): Promise<BackupRecord | undefined> {
  const { findBackup, isRelative, looksLikeReference, predecessorOf } = await import('../core/reference.ts');
  if (!looksLikeReference(argument)) return undefined;
  try {
    return findBackup(opened.listing, argument, opened.setName);
  } catch (error) {
    const isUnknown = error instanceof VaultError && error.code === 'unknown-backup';
    if (!isUnknown || isRelative(argument)) throw error;
    const path = pathOf(argument, rootsOf(opened, record), session.surroundings.cwd);
    const before = predecessorOf(opened.listing.records, record);
    for (const side of path === undefined ? [] : [record, before]) {
      if (side !== undefined && (await hasEntry(opened.vault, side, path ?? ''))) return undefined;
    }
    throw error;
  }
}

function pathOf(argument: string, roots: readonly KnownRoot[], cwd: string): string | undefined {
  try {
    return entryPath(argument, roots, cwd);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Sees to it that every path is on one of the sides. @throws {VaultError} `unknown-entry`. */
export async function assertPathsKnown({ opened, from, to, paths }: Comparison): Promise<void> {
  const records = [from, to].filter((record) => record !== undefined);
  for (const path of paths) {
    if (isTop(path)) continue;
    const stored = await Promise.all(records.map((record) => hasEntry(opened.vault, record, path)));
    if (stored.includes(true)) continue;
    if (to === undefined && from !== undefined && isLive(path, liveSetOf(opened, from))) continue;
    const names = [...records.map(({ id }) => `backup ${shortId(id)}`), ...(to ? [] : ['the workspace'])];
    const sides = names.length === 1 ? `There is no “${path}” in` : `There is no “${path}” in either of`;
    throw new VaultError('unknown-entry', `${sides} ${names.join(' and ')}.`, {
      hint: '“crm-backup ls BACKUP” lists what a backup has, “crm-backup find” searches all backups.',
    });
  }
}

function isTop(path: string): boolean {
  return path === '' || path === 'files' || path === 'databases';
}

async function hasEntry(vault: Vault, record: BackupRecord, path: string): Promise<boolean> {
  for await (const _ of vault.entries(record, path)) return true;
  return false;
}

/** Whether a path may be live. What cannot be looked at is told by the comparison; so are the tables of a database. */
function isLive(path: string, { roots, databases }: ResolvedSet): boolean {
  if (databases.some(({ name }) => isWithin(path, `databases/${name}`))) return true;
  return roots.some(({ name, directory }) => {
    const root = `files/${name}`;
    if (!isWithin(path, root)) return false;
    try {
      lstatSync(join(directory, path.slice(root.length)));
      return true;
    } catch (error) {
      return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
    }
  });
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
