import { readFileSync } from 'node:fs';
import { systemCode } from '../errors.ts';
import { systemPath } from '../source/name.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import type { JournalRoot } from './journal-entries.ts';
import { listNames, lookAt } from './live-tree.ts';
import { isKeptFolder, isStagingName, privateStaging, STAGING } from './staging-name.ts';

/** How long to wait, in milliseconds, for a directory that fills while it is emptied. */
const STILL_WRITTEN_PAUSES_MS = [20, 50, 100, 200, 500, 1000];

/** A directory in a root where a restore prepares what it moves into place, and keeps what it moves away. */
export interface Staging {
  /** Absolute. */
  readonly path: string;
  /** What the system takes away from the mode of a file made there. */
  readonly umask: number;
}

/** Who a staging directory belongs to. */
interface StagingOwner {
  readonly id: string;
  /** The directory of its journal. */
  readonly journal: string;
}

const OWNER = 'owner.json';
const NO_ENTRY = new Set(['ENOENT', 'ENOTDIR']);

/** Where a thing waits to be put in place. */
export function stagedPath(directory: string, number: number): string {
  return `${directory}/${STAGING}/new/${number}`;
}

/** Where a thing is kept that was moved away. */
export function keptPath(directory: string, number: number): string {
  return `${directory}/${STAGING}/old/${number}`;
}

/**
 * Makes the staging directory of a root, which gives this restore the root for itself. It is made under a name of its
 * own and then renamed: of two restores one finds the name taken.
 * @throws {RestoreError} `locked`; errors of the system.
 */
export function openStaging(disk: RestoreDisk, directory: string, owner: StagingOwner): Staging {
  const own = `${directory}/${privateStaging(owner.id)}`;
  const path = `${directory}/${STAGING}`;
  disk.makeDirectory(own, 0o777);
  const { mode } = lookAt(own)!;
  // Nobody else looks in; a group that new files inherit stays.
  disk.setMode(own, 0o700 | (mode & 0o2000));
  disk.writeText(`${own}/${OWNER}`, JSON.stringify(owner), 'create');
  disk.makeDirectory(`${own}/new`, 0o700);
  disk.makeDirectory(`${own}/old`, 0o700);
  if (lookAt(path) !== undefined) throw inUse(directory);
  try {
    disk.rename(own, path);
  } catch (error) {
    if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST') throw inUse(directory);
    throw error;
  }
  return { path, umask: 0o777 & ~mode };
}

/** Removes a restore's staging directory, under either of its names. What was kept in it is gone. */
export function closeStaging(disk: RestoreDisk, directory: string, id: string): void {
  const own = `${directory}/${privateStaging(id)}`;
  const path = `${directory}/${STAGING}`;
  if (readOwner(path)?.id === id) disk.rename(path, own);
  if (lookAt(own) !== undefined) removeTree(disk, own);
}

/** The owner of the staging directory that stands in a root; undefined when there is none. */
export function stagingOwner(directory: string): StagingOwner | 'unknown' | undefined {
  const path = `${directory}/${STAGING}`;
  if (lookAt(path) === undefined) return undefined;
  return readOwner(path) ?? 'unknown';
}

/** Whether a restore's staging directory stands in a root, ready to move things out of and into. */
export function isStagedBy(directory: string, id: string): boolean {
  return readOwner(`${directory}/${STAGING}`)?.id === id;
}

/**
 * Whether a root holds what a switch that has begun there moves in and away. `bare`: it is the same folder, and somebody
 * has removed the staging directory. `away`: it is unmounted, moved or gone.
 */
export function stateOfRoot({ directory, inode }: JournalRoot, id: string): 'ready' | 'bare' | 'away' {
  if (isStagedBy(directory, id)) return 'ready';
  const live = lookAt(directory);
  if (live?.type !== 'directory') return 'away';
  if (inode !== undefined) return String(live.inode) === inode ? 'bare' : 'away';
  return listNames(directory).length > 0 ? 'bare' : 'away';
}

/** A file that stands in a staging directory from its beginning to its end. */
export function ownerFile(directory: string): string {
  return `${directory}/${STAGING}/${OWNER}`;
}

/** Whether a staging directory keeps nothing that was moved away. */
export function keepsNothing(directory: string): boolean {
  const old = `${directory}/${STAGING}/old`;
  return lookAt(old) === undefined || listNames(old).length === 0;
}

/** Names in a root that restores have left behind, but for the one that is in charge. */
export function leftovers(directory: string): { id: string; owner: StagingOwner | undefined }[] {
  return listNames(directory)
    .filter((name) => isStagingName(name) && name !== STAGING && !isKeptFolder(name))
    .map((name) => ({
      id: name.slice(privateStaging('').length),
      owner: readOwner(`${directory}/${name}`),
    }));
}

/**
 * Removes a directory with all that is in it, also what may not be written to. Links are not followed, other file
 * systems not entered.
 */
export function removeTree(disk: RestoreDisk, path: string): void {
  const top = lookAt(path);
  if (top !== undefined) removeFrom(disk, path, top.device);
}

function removeFrom(disk: RestoreDisk, path: string, device: bigint): void {
  const live = lookAt(path);
  if (live === undefined) return;
  if (live.type !== 'directory') {
    disk.removeFile(path);
    return;
  }
  if (live.device !== device) return;
  if ((live.mode & 0o700) !== 0o700) disk.setMode(path, 0o700);
  // The tar of a restore that was killed may outlive it for a moment and still write what it had been given.
  for (const pauseMs of STILL_WRITTEN_PAUSES_MS) {
    for (const name of listNames(path)) removeFrom(disk, `${path}/${name}`, device);
    try {
      disk.removeDirectory(path);
      return;
    } catch (error) {
      if (systemCode(error) !== 'ENOTEMPTY') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
  for (const name of listNames(path)) removeFrom(disk, `${path}/${name}`, device);
  disk.removeDirectory(path);
}

function readOwner(staging: string): StagingOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(systemPath(`${staging}/${OWNER}`), 'utf8')) as unknown;
    const { id, journal } = (owner ?? {}) as Partial<Record<keyof StagingOwner, unknown>>;
    return typeof id === 'string' && typeof journal === 'string' ? { id, journal } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || NO_ENTRY.has(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

function inUse(directory: string): RestoreError {
  return new RestoreError('locked', `Another restore is working in ${directory}.`, {
    hint: 'Wait until it is done, then try again.',
  });
}
