import { setImmediate as turn } from 'node:timers/promises';
import type { PathFilter } from '../set/match.ts';
import { isUnchanged } from '../source/change.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { Entry } from '../vault/entry.ts';
import { comparePaths, isWithin } from '../vault/order.ts';
import { RestoreError } from './error.ts';
import { isSameTime } from './file-time.ts';
import type { LiveStat, LiveTree } from './live-tree.ts';
import { hostilePath, PlanChecks } from './plan-checks.ts';
import { RemovalWalk } from './removal-walk.ts';
import { type Adjustment, type NewEntry, noCounts, type Placement, type RootPlan } from './root-plan.ts';
import { type Coverage, parentPath, type SelectedPath, type Selection } from './selection.ts';
import { stampWith } from './stamp.ts';

/** What the plan for one root depends on. */
export interface PlanInput {
  /** `files/<name>`. */
  readonly root: string;
  readonly live: LiveTree;
  readonly selection: Selection;
  /** Which live files the backup's own rules take; no other is ever removed. */
  readonly filter: PathFilter;
  /** Whether live files that the backup does not have are removed. */
  readonly delete: boolean;
  /** Whether selected paths that the backup does not have are removed, too. */
  readonly deleteMissing: boolean;
  /** When the backup began, nanoseconds since 1970. */
  readonly startedAtNs: bigint;
  readonly platform: NodeJS.Platform;
  /** Whether the mode and time of something live can be changed as it stands. */
  readonly mayAdjust: (live: LiveStat) => boolean;
  /** Whether a file is left out, because its content cannot be had; undefined when none is. */
  readonly isLeftOut?: ((entry: PlannedEntry) => boolean) | undefined;
}

/** An entry as far as a plan depends on it. */
export interface PlannedEntry extends Pick<
  Entry,
  'path' | 'type' | 'size' | 'mode' | 'mtimeNs' | 'ctimeNs' | 'inode' | 'chunks' | 'target'
> {
  /** Of a directory that has to be there, but of which the backup no longer says what it was like. */
  readonly isGuessed?: boolean;
}

const ENTRIES_A_TURN = 256;

/**
 * Decides what becomes of each entry of a root and of what stands there now: created, replaced, removed, adjusted or
 * left alone. Decides only: it looks at the live tree through `input.live` and changes nothing.
 *
 * @param entries the root's entries in manifest order, the root itself first, in parts as they are read
 * @throws {RestoreError} `hostile-path`, `unsupported-name`, `target-not-directory`, `would-lose-files`,
 *   `other-file-system`. {CancelledError}
 */
export async function planRoot(
  entries: AsyncIterable<Iterable<PlannedEntry>>,
  input: PlanInput,
  task: Task,
): Promise<RootPlan> {
  const planner = new RootPlanner(input);
  let seen = 0;
  for await (const part of entries) {
    for (const entry of part) {
      planner.take(entry);
      if (++seen % ENTRIES_A_TURN !== 0) continue;
      throwIfCancelled(task);
      task.progress?.({ phase: 'compare', done: seen, unit: 'files' });
      await turn();
    }
  }
  return planner.finish();
}

/** A directory of the backup whose content is being looked at. */
interface Folder {
  readonly path: string;
  /** The same in the backup. */
  readonly full: string;
  readonly entry: PlannedEntry;
  readonly coverage: Coverage;
  /** The directory that stands there and stays; undefined when there is none. */
  readonly live: LiveStat | undefined;
  /** Whether nothing can stand in it, so that looking is spared. */
  readonly empty: boolean;
  /** Names the backup has in it. */
  readonly names: Set<string>;
  readonly around: Folder | undefined;
  /** The move that makes it, when it is new; a new folder that only leads somewhere has none before it is needed. */
  placement: Placement | undefined;
  /** What stands where it has to be made. */
  readonly inTheWay: LiveStat | undefined;
  changed: boolean;
}

class RootPlanner {
  readonly #input: PlanInput;
  readonly #walk: RemovalWalk;
  readonly #rootLive: LiveStat | undefined;
  readonly #placements: Placement[] = [];
  readonly #adjustments: Adjustment[] = [];
  readonly #touched: SelectedPath[] = [];
  readonly #leftOut: string[] = [];
  readonly #counts = noCounts();
  readonly #found = new Set<string>();
  readonly #checks: PlanChecks;
  readonly #folders: Folder[] = [];
  #last = '';

  constructor(input: PlanInput) {
    this.#input = input;
    this.#rootLive = input.live.look('');
    if (this.#rootLive !== undefined && this.#rootLive.type !== 'directory') {
      throw new RestoreError('target-not-directory', `Where ${input.root} belongs there is no folder.`, {
        hint: 'Move what stands there out of the way and try again.',
      });
    }
    this.#walk = new RemovalWalk(input.live, input.filter, this.#rootLive?.device);
    this.#checks = new PlanChecks(input.root, input.platform, this.#rootLive?.device);
  }

  take(entry: PlannedEntry): void {
    const { root, selection } = this.#input;
    if (this.#last !== '' && comparePaths(this.#last, entry.path) >= 0) {
      throw hostilePath(entry.path, 'It is listed twice or out of order.');
    }
    this.#last = entry.path;
    let around = this.#folders.at(-1);
    while (around !== undefined && !isWithin(entry.path, around.full)) {
      this.#close(around);
      this.#folders.pop();
      around = this.#folders.at(-1);
    }
    if (around === undefined && entry.path !== root) {
      throw hostilePath(entry.path, 'The folder it is in is not in the backup.');
    }
    let coverage: Coverage = 'whole';
    if (around?.coverage !== 'whole') {
      coverage = around === undefined ? selection.resolve(root) : selection.of(entry.path);
      if (coverage === 'none' || (coverage === 'way' && entry.type !== 'directory')) return;
    }
    if (selection.names(entry.path)) this.#found.add(entry.path);
    if (around === undefined) {
      this.#takeRoot(entry, coverage);
      return;
    }
    const path = entry.path.slice(root.length + 1);
    this.#checks.check(entry, path);
    if (around.path !== parentPath(path)) {
      throw hostilePath(entry.path, 'The folder it is in is not in the backup.');
    }
    if (this.#input.delete) around.names.add(path.slice(path.lastIndexOf('/') + 1));
    const live = around.live === undefined || around.empty ? undefined : this.#input.live.look(path);
    if (entry.type === 'directory') this.#takeDirectory(entry, path, coverage, around, live);
    else this.#takeFile(entry, path, around, live);
  }

  finish(): RootPlan {
    for (let folder = this.#folders.pop(); folder !== undefined; folder = this.#folders.pop()) {
      this.#close(folder);
    }
    this.#checks.refuseCollisions();
    const missing = [...this.#input.selection.within(this.#input.root)].filter(
      (path) => !this.#found.has(path),
    );
    if (this.#input.deleteMissing) for (const path of missing) this.#removeMissing(path);
    this.#counts.delete += this.#walk.files;
    this.#counts.adjusted += this.#adjustments.length;
    for (const { path } of [...this.#placements, ...this.#walk.removals]) {
      this.#touched.push({ path: this.#full(path), recursive: true });
    }
    return {
      placements: this.#placements,
      removals: this.#walk.removals,
      adjustments: this.#adjustments,
      counts: this.#counts,
      missing,
      leftOut: this.#leftOut,
      touched: this.#touched,
    };
  }

  #takeRoot(entry: PlannedEntry, coverage: Coverage): void {
    if (entry.type !== 'directory') throw hostilePath(entry.path, 'A root must be a folder.');
    const live = this.#rootLive;
    const names = live === undefined ? [] : this.#input.live.list('');
    this.#open({ path: '', entry, coverage, live, empty: names?.length === 0, around: undefined });
  }

  #takeDirectory(
    entry: PlannedEntry,
    path: string,
    coverage: Coverage,
    around: Folder,
    live: LiveStat | undefined,
  ): void {
    if (live?.type === 'directory') {
      this.#open({ path, entry, coverage, live, empty: false, around });
      return;
    }
    const folder = this.#open({
      path,
      entry,
      coverage,
      live: undefined,
      empty: true,
      around,
      inTheWay: live,
    });
    if (coverage !== 'way') this.#placementOf(folder);
  }

  #takeFile(entry: PlannedEntry, path: string, around: Folder, live: LiveStat | undefined): void {
    const counts = this.#counts;
    if (live?.type !== entry.type) {
      if (this.#isLeftOut(entry)) return;
      const before = live?.type === 'directory' ? this.#walk.clear(path, live, this.#full(path)) : undefined;
      this.#place(entry, path, around, live, before);
      counts.bytes += entry.type === 'file' ? entry.size : 0;
      if (live === undefined) counts.create++;
      else counts.replace++;
      return;
    }
    if (entry.type === 'file' && isUnchanged(live, entry, this.#input.startedAtNs)) {
      counts.unchanged++;
      return;
    }
    const sameContent =
      entry.type === 'link' ? this.#hasTarget(path, entry) : this.#hasContent(path, entry, live);
    const sameMode = entry.type === 'link' || this.#isSameMode(live.mode, entry.mode);
    const sameTime = isSameTime(live.mtimeNs, entry.mtimeNs);
    const adjusts = sameContent && entry.type === 'file' && live.links === 1 && this.#input.mayAdjust(live);
    if (!adjusts && !(sameContent && sameMode && sameTime) && this.#isLeftOut(entry)) return;
    if (sameContent && sameMode) counts.unchanged++;
    else counts.replace++;
    if (sameContent && sameMode && sameTime) return;
    if (adjusts) {
      this.#adjust(path, live, entry);
      return;
    }
    if (sameContent) counts.adjusted++;
    counts.bytes += entry.type === 'file' ? entry.size : 0;
    this.#place(entry, path, around, live);
  }

  #isLeftOut(entry: PlannedEntry): boolean {
    if (entry.type !== 'file' || this.#input.isLeftOut?.(entry) !== true) return false;
    this.#leftOut.push(entry.path);
    return true;
  }

  #hasContent(path: string, entry: PlannedEntry, live: LiveStat): boolean {
    if (live.size !== entry.size) return false;
    return entry.size === 0 || this.#input.live.holds(path, entry.size, entry.chunks);
  }

  #hasTarget(path: string, entry: PlannedEntry): boolean {
    return this.#input.live.target(path) === entry.target;
  }

  #isSameMode(live: number, recorded: number): boolean {
    // Windows keeps no more of a mode than whether a file may be written.
    return this.#input.platform === 'win32' ? ((live ^ recorded) & 0o200) === 0 : live === recorded;
  }

  #open(
    folder: Omit<Folder, 'full' | 'names' | 'placement' | 'changed' | 'inTheWay'> & {
      inTheWay?: LiveStat | undefined;
    },
  ): Folder {
    const opened: Folder = {
      ...folder,
      full: folder.entry.path,
      inTheWay: folder.inTheWay,
      names: new Set(),
      placement: undefined,
      changed: false,
    };
    this.#folders.push(opened);
    return opened;
  }

  /** The move that makes a new directory, and all new directories around it. */
  #placementOf(folder: Folder): Placement {
    if (folder.placement === undefined) {
      const { live, around } = { live: folder.inTheWay, around: folder.around! };
      if (live?.type === 'file' || live?.type === 'link') this.#counts.delete++;
      folder.placement = this.#place(folder.entry, folder.path, around, live);
    }
    return folder.placement;
  }

  /** @param before the stamp of what stands there, where that is a directory */
  #place(
    entry: PlannedEntry,
    path: string,
    around: Folder,
    live: LiveStat | undefined,
    before = live && stampWith(live, ''),
  ): Placement {
    const made = newEntry(entry, path);
    if (around.live === undefined && around.path !== '') {
      const placement = this.#placementOf(around);
      placement.entries.push(made);
      return placement;
    }
    this.#checks.mustBeOnDisk(around.path, around.live);
    around.changed = true;
    const placement: Placement = { path, live, before, entries: [made] };
    this.#placements.push(placement);
    return placement;
  }

  /** A directory that is left: what the backup does not have in it is removed, then it gets its own mode and time. */
  #close(folder: Folder): void {
    if (folder.live === undefined && folder.path !== '') return;
    if (this.#input.delete && folder.coverage === 'whole' && folder.live !== undefined && !folder.empty) {
      const removed = this.#walk.extras(folder.path, folder.names);
      if (removed) {
        this.#checks.mustBeOnDisk(folder.path, folder.live);
        folder.changed = true;
      }
    }
    const { entry, live, path } = folder;
    if (live === undefined) {
      // The root itself has to be made, which gives it what the backup says, selected or not.
      if (folder.coverage !== 'way' || folder.changed) this.#adjust(path, live, entry);
      return;
    }
    if (folder.coverage === 'way' || entry.isGuessed === true) return;
    const sameMode = this.#isSameMode(live.mode, entry.mode);
    const sameTime = !folder.changed && isSameTime(live.mtimeNs, entry.mtimeNs);
    // The time of somebody else's directory cannot be set; its mode is worth an error, its time is not.
    if (!sameMode || (!sameTime && this.#input.mayAdjust(live))) this.#adjust(path, live, entry);
  }

  #adjust(path: string, live: LiveStat | undefined, entry: PlannedEntry): void {
    this.#adjustments.push({ path, live, after: { mode: entry.mode, mtimeNs: entry.mtimeNs } });
    this.#touched.push({ path: this.#full(path), recursive: false });
  }

  /** Removes a selected path that the backup does not have, unless it is gone with something around it. */
  #removeMissing(full: string): void {
    if (full === this.#input.root) return;
    const path = full.slice(this.#input.root.length + 1);
    const gone = [...this.#placements, ...this.#walk.removals];
    if (gone.some((move) => isWithin(path, move.path))) return;
    let way = '';
    for (const name of path.split('/').slice(0, -1)) {
      way = way === '' ? name : `${way}/${name}`;
      if (this.#input.live.look(way)?.type !== 'directory') return;
    }
    this.#walk.remove(path);
  }

  #full(path: string): string {
    return path === '' ? this.#input.root : `${this.#input.root}/${path}`;
  }
}

function newEntry(entry: PlannedEntry, path: string): NewEntry {
  return {
    path,
    type: entry.type as NewEntry['type'],
    size: entry.size,
    mode: entry.mode,
    mtimeNs: entry.mtimeNs,
    chunks: entry.chunks,
    target: entry.target,
  };
}
