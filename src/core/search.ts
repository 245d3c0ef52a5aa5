import { isSame } from './compare/change.ts';
import type { EntryType } from './vault/entry.ts';
import { CHUNK_ID_BYTES } from './vault/chunk-id.ts';
import { isDamage, VaultError } from './vault/error.ts';
import { EntryView } from './vault/manifest-entry.ts';
import { type ManifestSegment, readSegments } from './vault/manifest.ts';
import { comparePaths, isWithin } from './vault/order.ts';
import type { BackupRecord } from './vault/record.ts';
import type { Vault } from './vault/vault.ts';
import { type Task, throwIfCancelled } from './task.ts';
import { unreadBecause } from './unread.ts';

/** A version of a path: the first backup that has it so. */
export interface PathVersion {
  readonly record: BackupRecord;
  readonly change: 'added' | 'modified' | 'deleted';
  /** Undefined when the path was deleted. */
  readonly entry: EntryView | undefined;
}

/** A path that was found, as the newest backup with it has it. */
export interface PathMatch {
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly newest: BackupRecord;
  readonly oldest: BackupRecord;
}

/**
 * Every version of a path over some backups, newest first. Backups between which a comparison tells no change of it are
 * one version; a backup that could not read the path says nothing about it.
 * @param unread is told the backups whose list of entries is damaged where the path would stand; they are passed over
 * @throws {VaultError} `unknown-entry` when none of the backups has the path.
 */
export async function pathVersions(
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  path: string,
  task: Task = {},
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<PathVersion[]> {
  const versions: PathVersion[] = [];
  const find = entryFinder(vault, path);
  let last: EntryView | undefined;
  let done = 0;
  for (const record of newestFirst.toReversed()) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'search', done: done++, total: newestFirst.length, unit: 'files' });
    let entry: EntryView | undefined;
    try {
      entry = await find(record);
    } catch (error) {
      if (!isDamage(error)) throw error;
      unread(record);
      continue;
    }
    if (entry === undefined) {
      if (unreadBecause(record, path) !== undefined) continue;
      if (last !== undefined) versions.push({ record, change: 'deleted', entry: undefined });
    } else if (last === undefined) versions.push({ record, change: 'added', entry });
    else if (!isSame(last, entry)) versions.push({ record, change: 'modified', entry });
    last = entry;
  }
  if (versions.length === 0) {
    throw new VaultError('unknown-entry', `No backup has “${path}”.`, {
      hint: '“crm-backup find” searches all backups for a name.',
    });
  }
  return versions.reverse();
}

/** Finds one path in many manifests; those whose chunks stayed the same are searched once. */
function entryFinder(vault: Vault, path: string): (record: BackupRecord) => Promise<EntryView | undefined> {
  const known = new Map<string, EntryView | undefined>();
  return async (record) => {
    const segments = record.manifest.filter(({ root }) => isWithin(path, root));
    const key = segments.map(({ chunks }) => chunks.toString('latin1')).join('/');
    if (known.has(key)) return known.get(key);
    const index = await vault.index();
    let found: EntryView | undefined;
    for await (const entry of readSegments(segments, (id) => vault.reader.readChunk(id, index), path)) {
      if (entry.path === path) found = entry;
      break;
    }
    // Only the last is needed: a manifest that comes back after others is rare.
    known.clear();
    known.set(key, found);
    return found;
  };
}

/**
 * The paths in some backups that a test accepts, in their order, each with the newest and the oldest backup that has it.
 * Every chunk of a manifest is read once, however many backups share it.
 * @param unread is told the backups whose list of entries is damaged in part; the rest of it is searched
 */
export async function findPaths(
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  accepts: (path: string) => boolean,
  task: Task = {},
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<PathMatch[]> {
  const found = new Map<string, { -readonly [Key in keyof PathMatch]: PathMatch[Key] }>();
  /** Undefined for a chunk that is damaged. */
  const inChunk = new Map<string, readonly string[] | undefined>();
  const index = await vault.index();
  const entriesIn = async (id: Buffer): Promise<EntryView[] | undefined> => {
    try {
      return acceptedIn(await vault.reader.readChunk(id, index), accepts);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  };
  let done = 0;
  for (const record of newestFirst) {
    task.progress?.({ phase: 'search', done: done++, total: newestFirst.length, unit: 'files' });
    let isWhole = true;
    for (const id of record.manifest.flatMap(chunkIdsOf)) {
      throwIfCancelled(task);
      const key = id.toString('latin1');
      if (!inChunk.has(key)) {
        const entries = await entriesIn(id);
        inChunk.set(
          key,
          entries?.map(({ path }) => path),
        );
        for (const { path, type, size, mtimeNs } of entries ?? []) {
          if (found.has(path)) continue;
          found.set(path, { path, type, size, mtimeNs, newest: record, oldest: record });
        }
      }
      const paths = inChunk.get(key);
      isWhole &&= paths !== undefined;
      for (const path of paths ?? []) found.get(path)!.oldest = record;
    }
    if (!isWhole) unread(record);
  }
  return [...found.values()].sort((a, b) => comparePaths(a.path, b.path));
}

function chunkIdsOf({ chunks }: ManifestSegment): Buffer[] {
  const ids: Buffer[] = [];
  for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES)
    ids.push(chunks.subarray(at, at + CHUNK_ID_BYTES));
  return ids;
}

function acceptedIn(chunk: Buffer, accepts: (path: string) => boolean): EntryView[] {
  const accepted: EntryView[] = [];
  for (let at = 0; at < chunk.length;) {
    const entry = new EntryView(chunk, at);
    at = entry.end;
    if (accepts(entry.path)) accepted.push(entry);
  }
  return accepted;
}
