import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemPath } from '../source/name.ts';
import { comparePaths } from '../vault/order.ts';
import type { Owner } from './file-writer.ts';
import { RestoreError } from './error.ts';
import type { JournalRoot, PlannedMove, Remark } from './journal-entries.ts';
import { type LiveStat, lookAt } from './live-tree.ts';
import type { Placement, RootPlan } from './root-plan.ts';
import { parentPath } from './selection.ts';
import { stampOf } from './stamp.ts';

/** A root with a plan that changes something. */
export interface TargetRoot {
  /** `files/<name>`. */
  readonly root: string;
  /** Absolute, without links. */
  readonly directory: string;
  readonly plan: RootPlan;
}

/** A placement with its number and whom its files are given to. */
export interface NumberedPlacement {
  readonly number: number;
  readonly placement: Placement;
  readonly owner: Owner | undefined;
}

/** What is going to be done in one root, checked as far as it can be without doing it. */
export interface PreparedRoot {
  readonly target: TargetRoot;
  readonly journal: JournalRoot;
  readonly placements: readonly NumberedPlacement[];
  readonly moves: readonly PlannedMove[];
  readonly marks: readonly Remark[];
}

/** What a small file takes on a disk at least, and what a directory does. */
const LEAST_BLOCK_BYTES = 512;

/**
 * Prepares all roots of a restore; a folder that several of them need is made once.
 * @throws {RestoreError} `permission`, `target-not-directory`.
 */
export function prepareRoots(targets: readonly TargetRoot[]): PreparedRoot[] {
  const made = new Set<string>();
  return targets.map((target, number) => {
    const prepared = prepareRoot(target, number);
    const folders = prepared.journal.made.filter((folder) => !made.has(folder));
    for (const folder of folders) made.add(folder);
    return { ...prepared, journal: { ...prepared.journal, made: folders } };
  });
}

/**
 * Turns a root's plan into moves and marks, and finds what would stop them: rights that are missing, above all.
 *
 * As root, what is made belongs to the owner of what it replaces, else to the owner of the folder it comes into.
 * @param root the root's number in the journal
 * @throws {RestoreError} `permission`, `target-not-directory`.
 */
function prepareRoot(target: TargetRoot, root: number): PreparedRoot {
  const { directory, plan } = target;
  const live = lookAt(directory);
  const marks = new Map<string, Remark>();
  const mark = (path: string, change: Partial<Remark>): void => {
    const stat = path === '' ? live : lookAt(`${directory}/${path}`);
    const known: Remark = marks.get(path) ?? {
      op: 'mark',
      root,
      path,
      type: stat?.type === 'file' ? 'file' : 'directory',
      before: stat && { mode: stat.mode, mtimeNs: stat.mtimeNs },
      after: undefined,
      unlock: false,
      stamp: stat?.type === 'file' ? stampOf('', stat) : undefined,
    };
    marks.set(path, { ...known, ...change });
  };
  mark('', {});
  for (const { path, live: old, after } of plan.adjustments) {
    if (old !== undefined) mustOwn(target, path, old);
    mark(path, { after });
  }
  const parents = new Map<string, LiveStat | undefined>();
  const moves: PlannedMove[] = [];
  const placements: NumberedPlacement[] = [];
  for (const placement of plan.placements) {
    const [top] = placement.entries;
    const number = moves.length;
    const { path, before } = placement;
    moves.push({ op: 'place', type: top!.type, root, number, path, before });
    const parent = parentOf(placement.path);
    placements.push({ number, placement, owner: ownerFor(placement.live ?? parent) });
    if (placement.live?.type === 'directory') unlockMoved(target, placement.path, placement.live, mark);
    // A directory that may not be written to cannot be moved either: it gets its mode in place.
    if (top!.type === 'directory' && (top!.mode & 0o200) === 0) {
      mark(placement.path, { type: 'directory', after: { mode: top!.mode, mtimeNs: top!.mtimeNs } });
    }
  }
  for (const removal of plan.removals) {
    const { path, before } = removal;
    moves.push({ op: 'remove', root, number: moves.length, path, before });
    parentOf(removal.path);
    if (removal.live.type === 'directory') unlockMoved(target, removal.path, removal.live, mark);
  }
  const isRootChanged = parents.has('') || marks.get('')?.after !== undefined;
  // The staging directory is made in the root itself, which must not show in the end.
  if (live !== undefined && !isRootChanged) mark('', { after: { mode: live.mode, mtimeNs: live.mtimeNs } });
  parents.set('', live);
  for (const [path, stat] of parents) {
    if (stat !== undefined) unlockParent(target, path, stat, mark, marks.get(path));
  }
  return {
    target,
    journal: {
      directory,
      made: live === undefined ? missingFolders(directory) : [],
      before: live && { mode: live.mode, mtimeNs: live.mtimeNs },
      inode: live && String(live.inode),
    },
    placements,
    moves,
    marks: [...marks.values()].sort((a, b) => comparePaths(b.path, a.path)),
  };

  function parentOf(path: string): LiveStat | undefined {
    const parent = parentPath(path)!;
    if (!parents.has(parent))
      parents.set(parent, lookAt(parent === '' ? directory : `${directory}/${parent}`));
    return parents.get(parent);
  }
}

/**
 * Looks whether the disks have room for what is going to be written.
 * @throws {RestoreError} `no-space`.
 */
export function mustHaveRoom(roots: readonly PreparedRoot[]): void {
  const needed = new Map<bigint, { bytes: number; files: number; folder: string }>();
  for (const { target, placements } of roots) {
    const folder = existingFolder(target.directory);
    const device = lookAt(folder)?.device ?? 0n;
    const need = needed.get(device) ?? { bytes: 0, files: 0, folder };
    needed.set(device, need);
    const { bsize } = statfsSync(systemPath(folder));
    for (const { placement } of placements) {
      for (const { type, size } of placement.entries) {
        need.files++;
        need.bytes += type === 'file' ? Math.ceil(size / bsize) * bsize : LEAST_BLOCK_BYTES;
      }
    }
  }
  for (const { bytes, files, folder } of needed.values()) {
    const { bavail, bsize, ffree, files: most } = statfsSync(systemPath(folder));
    const free = bavail * bsize;
    if (bytes > free) {
      throw new RestoreError(
        'no-space',
        `${folder} has no room for the restore: it needs ${megabytes(bytes)}, ${megabytes(free)} are free.`,
        { hint: 'Free some space there, or restore with --to another disk; nothing was changed.' },
      );
    }
    // Some file systems make room for files as they need it, and say 0.
    if (most > 0 && files > ffree) {
      throw new RestoreError(
        'no-space',
        `${folder} has no room for the restore: it needs ${files} more files, the disk takes ${ffree}.`,
        { hint: 'Remove files there, or restore with --to another disk; nothing was changed.' },
      );
    }
  }
}

function missingFolders(directory: string): string[] {
  const missing: string[] = [];
  let folder = directory;
  for (; lookAt(folder) === undefined; folder = dirname(folder)) missing.unshift(folder);
  if (lookAt(folder)?.type !== 'directory') {
    throw new RestoreError(
      'target-not-directory',
      `${directory} cannot be made: ${folder} is not a folder.`,
      {
        hint: 'Restore to another folder; nothing was changed.',
      },
    );
  }
  return missing;
}

function existingFolder(directory: string): string {
  let folder = directory;
  while (lookAt(folder) === undefined) folder = dirname(folder);
  return folder;
}

function isRoot(): boolean {
  return process.geteuid === undefined || process.geteuid() === 0;
}

/** Whether mode and time of something live can be changed as it stands. */
export function mayAdjust(live: LiveStat): boolean {
  return isRoot() || live.uid === process.geteuid!();
}

function ownerFor(live: LiveStat | undefined): Owner | undefined {
  if (live === undefined || process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = live;
  return uid === 0 && gid === process.getegid!() ? undefined : { uid, gid };
}

type MarkPath = (path: string, change: Partial<Remark>) => void;

function mustOwn(target: TargetRoot, path: string, live: LiveStat): void {
  if (!mayAdjust(live)) throw denied(target, path, 'it belongs to another user, so its mode cannot be set');
}

/** A directory that may not be written to cannot be moved, for its “..” changes. */
function unlockMoved(target: TargetRoot, path: string, live: LiveStat, mark: MarkPath): void {
  if (isRoot() || (live.mode & 0o200) !== 0) return;
  if (!mayAdjust(live)) throw denied(target, path, 'it is a folder that may not be written to');
  mark(path, { unlock: true });
}

function unlockParent(
  target: TargetRoot,
  path: string,
  live: LiveStat,
  mark: MarkPath,
  known: Remark | undefined,
): void {
  if (isRoot() || canWrite(path === '' ? target.directory : `${target.directory}/${path}`)) {
    mark(path, {});
    return;
  }
  if (!mayAdjust(live)) throw denied(target, path, 'nothing may be made or removed in it');
  mark(path, { unlock: true, after: known?.after ?? { mode: live.mode } });
}

function canWrite(directory: string): boolean {
  try {
    accessSync(systemPath(directory), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function denied({ root, directory }: TargetRoot, path: string, why: string): RestoreError {
  const place = path === '' ? directory : `${directory}/${path}`;
  const name = path === '' ? root : `${root}/${path}`;
  return new RestoreError('permission', `${name} cannot be restored: ${why} (${place}).`, {
    hint: 'Run it as the user the files belong to; nothing was changed.',
  });
}

function megabytes(bytes: number): string {
  return `${(Math.ceil(bytes / 100_000) / 10).toFixed(1)} MB`;
}
