import { setImmediate as turn } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import type { Task } from '../task.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import type { TimedItem } from './exact-times.ts';
import { fileTime, isReachable } from './file-time.ts';
import type {
  JournalHeader,
  JournalRoot,
  Move,
  PlaceMove,
  Remark,
  RemoveMove,
  Switch,
} from './journal-entries.ts';
import { putAside } from './kept-files.ts';
import { type LiveStat, lookAt } from './live-tree.ts';
import { parentPath } from './selection.ts';
import { isStaged, isStamped, isStampedButFor } from './stamp.ts';
import { isStagedBy, keptPath, ownerFile, stagedPath } from './staging.ts';
import { keptFolder } from './staging-name.ts';

const MOVES_A_TURN = 128;
/** What a disk answers that cannot give a file a second name, or not one of somebody else's. */
const NO_SECOND_NAME = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']);

/** What stands where a move is to be done. */
type Standing = 'nothing' | 'before' | 'fresh' | 'other';

/**
 * Carries out the moves and marks of a restore, or takes them back. Each step can tell by what stands where whether it
 * was done already, so that both ways can be gone again after a kill at any moment. What is neither what stood there
 * before nor what the restore has placed is somebody's work: it stays as it is, and what stood there before is put aside.
 */
export class Switcher {
  readonly #disk: RestoreDisk;
  readonly #id: string;
  readonly #roots: readonly JournalRoot[];
  readonly #all: Switch;
  readonly #scratch: string;
  #scratches = 0;
  readonly #spared = new Set<string>();
  /** Directories that were changed to keep something aside, by root. */
  readonly #aside = new Map<number, Set<string>>();
  /** Whether all of a way to something are directories, and not links to elsewhere. */
  readonly #ways = new Map<string, boolean>();
  readonly #keepsInodes: readonly boolean[];
  readonly #isBare: readonly boolean[];

  /** @param scratch a directory in which nothing stands under `times…`; what is left there is the caller's to remove */
  constructor(
    disk: RestoreDisk,
    { id, roots }: Pick<JournalHeader, 'id' | 'roots'>,
    all: Switch,
    scratch: string,
  ) {
    this.#disk = disk;
    this.#id = id;
    this.#roots = roots;
    this.#all = all;
    this.#scratch = scratch;
    this.#isBare = roots.map(({ directory }) => !isStagedBy(directory, id));
    this.#keepsInodes = roots.map(({ directory }, root) => {
      const owner = lookAt(ownerFile(directory));
      const made = all.staged.find((one) => one.root === root);
      return owner === undefined || made === undefined || String(owner.inode) === made.inode;
    });
  }

  /**
   * Puts everything new in place and gives it its marks, but for the roots' own ({@link markRoots}).
   * @param again whether some of it may be done already
   */
  async forward(again: boolean, task: Task = {}): Promise<void> {
    for (const mark of this.#all.marks.toReversed()) if (mark.unlock) this.#unlock(mark);
    let done = 0;
    for (const move of this.#all.moves) {
      if (move.op === 'place') this.#place(move, again);
      else this.#remove(move, again);
      if (++done % MOVES_A_TURN !== 0) continue;
      task.progress?.({ phase: 'switch', done, total: this.#all.moves.length, unit: 'files' });
      await turn();
    }
    await this.#mark(
      this.#all.marks.filter((mark) => mark.path !== ''),
      (mark) => mark.after,
      again,
    );
    await this.#flush();
  }

  /** Takes everything back. */
  async backward(): Promise<void> {
    for (const mark of this.#all.marks.toReversed()) if (mark.unlock) this.#unlock(mark);
    let done = 0;
    for (const move of this.#all.moves.toReversed()) {
      this.#takeBack(move);
      if (++done % MOVES_A_TURN === 0) await turn();
    }
    await this.#mark(
      this.#all.marks.filter((mark) => mark.path !== ''),
      (mark) => mark.before,
      true,
    );
    await this.#flush();
  }

  /** Leaves everything as it stands, and puts all aside that was there before and is not any more. */
  async keep(): Promise<void> {
    for (const move of this.#all.moves) this.#putAside(move);
    for (const mark of this.#all.marks) {
      if (!mark.unlock || mark.before === undefined || !this.#isWayThere(mark)) continue;
      const path = this.#live(mark);
      const live = lookAt(path);
      const isUnlocked = live?.type === 'directory' && live.mode === (mark.before.mode | 0o700);
      if (isUnlocked) this.#disk.setMode(path, mark.before.mode);
    }
    await this.#flush();
  }

  /** What was left as it is because somebody has changed it since. */
  get spared(): readonly string[] {
    return [...this.#spared];
  }

  /** Folders in which stands what was there before and was not put back. */
  get keptIn(): readonly string[] {
    return this.#roots.map(({ directory }) => keptFolder(directory, this.#id)).filter(exists);
  }

  /** Gives the roots their marks; last, when nothing is made or removed in them any more. */
  async markRoots(marks: 'before' | 'after'): Promise<void> {
    await this.#mark(
      this.#all.marks.filter((mark) => mark.path === ''),
      (mark) => mark[marks],
      false,
    );
  }

  /**
   * Looks whether everything stands where it belongs.
   * @throws {RestoreError} `check-failed`.
   */
  check(): void {
    for (const move of this.#all.moves) {
      if (move.op === 'place' && lookAt(this.#live(move))?.type !== move.type)
        throw checkFailed(this.#live(move));
    }
    for (const mark of this.#all.marks) {
      if (mark.after === undefined || mark.path === '') continue;
      const live = lookAt(this.#live(mark));
      const isMarked =
        live?.type === mark.type && (process.platform === 'win32' || live.mode === mark.after.mode);
      if (!isMarked) throw checkFailed(this.#live(mark));
    }
  }

  #place(move: PlaceMove, again: boolean): void {
    const target = this.#live(move);
    const staged = this.#staged(move);
    const kept = this.#kept(move);
    const fresh = lookAt(staged);
    if (again) {
      const isGone = fresh === undefined && this.#isBare[move.root]!;
      // Placed already.
      if (fresh === undefined && !isGone) return;
      const standing = this.#isWayThere(move) ? this.#standing(move) : 'other';
      if (isGone ? standing !== 'fresh' : standing === 'other') this.#spare(move);
      if (isGone || standing === 'other') return;
    }
    const live = again ? lookAt(target) : this.#asPlanned(move);
    if (live !== undefined && !(again && exists(kept))) {
      const canLink = live.type === 'file' && fresh?.type !== 'directory';
      if (!canLink || !this.#giveSecondName(target, kept)) this.#disk.rename(target, kept);
    }
    this.#disk.rename(staged, target);
  }

  /** Keeps a file by a second name, so that at its place there is never nothing. */
  #giveSecondName(target: string, kept: string): boolean {
    try {
      this.#disk.link(target, kept);
      return true;
    } catch (error) {
      if (NO_SECOND_NAME.has(systemCode(error) ?? '')) return false;
      throw error;
    }
  }

  #remove(move: RemoveMove, again: boolean): void {
    const target = this.#live(move);
    const kept = this.#kept(move);
    if (!this.#isWayThere(move) || !exists(target) || exists(kept)) return;
    if (again && (this.#isBare[move.root] || this.#standing(move) !== 'before')) {
      this.#spare(move);
      return;
    }
    if (!again) this.#asPlanned(move);
    this.#disk.rename(target, kept);
  }

  /** What stands where a move is to be done: what is moved away is removed in the end, so it must be what was planned. */
  #asPlanned(move: Move): LiveStat | undefined {
    const path = this.#live(move);
    const live = lookAt(path);
    const { before } = move;
    if (live === undefined || (before !== undefined && isStamped(path, live, before, true))) return live;
    throw targetChanged(path, 'All was taken back; run the restore again.');
  }

  #takeBack(move: Move): void {
    const target = this.#live(move);
    const kept = this.#kept(move);
    if (!this.#isWayThere(move)) {
      if (exists(kept)) this.#spare(move);
      return;
    }
    const standing = this.#standing(move);
    if (this.#isBare[move.root]) {
      if (standing !== (move.before === undefined ? 'nothing' : 'before')) this.#spare(move);
      return;
    }
    const isPlaced = move.op === 'place' && !exists(this.#staged(move));
    if (standing === 'other') {
      if (isPlaced || exists(kept)) this.#spare(move);
      return;
    }
    if (standing === 'before' || (standing === 'fresh' && !isPlaced)) {
      this.#putAside(move);
      return;
    }
    if (standing === 'fresh') this.#disk.rename(target, this.#staged(move));
    if (exists(kept)) this.#disk.rename(kept, target);
  }

  #standing(move: Move): Standing {
    const path = this.#live(move);
    const live = lookAt(path);
    if (live === undefined) return 'nothing';
    const keepsInodes = this.#keepsInodes[move.root]!;
    const made = this.#all.staged.find(({ root }) => root === move.root);
    if (move.op === 'place' && isStaged(path, live, move.fresh, keepsInodes, made)) return 'fresh';
    const { before } = move;
    return before !== undefined && isStamped(path, live, before, keepsInodes) ? 'before' : 'other';
  }

  #isWayThere({ root, path }: Pick<Move, 'root' | 'path'>): boolean {
    const parent = parentPath(path);
    if (parent === undefined) return true;
    const key = `${root}/${parent}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const isDirectory = lookAt(this.#live({ root, path: parent }))?.type === 'directory';
    const isThere = isDirectory && this.#isWayThere({ root, path: parent });
    this.#ways.set(key, isThere);
    return isThere;
  }

  #spare(move: Move): void {
    this.#spared.add(this.#live(move));
    this.#putAside(move);
  }

  #putAside(move: Move): void {
    const kept = lookAt(this.#kept(move));
    // A second name of what stands there keeps nothing.
    if (kept === undefined || kept.inode === lookAt(this.#live(move))?.inode) return;
    const changed = this.#aside.get(move.root) ?? new Set();
    this.#aside.set(move.root, changed);
    for (const folder of putAside(this.#disk, this.#roots[move.root]!.directory, this.#id, move))
      changed.add(folder);
  }

  #unlock(mark: Remark): void {
    const path = this.#live(mark);
    const live = this.#isWayThere(mark) ? lookAt(path) : undefined;
    if (live?.type !== 'directory' || (live.mode & 0o700) === 0o700) return;
    this.#disk.setMode(path, live.mode | 0o700);
  }

  async #mark(
    marks: readonly Remark[],
    wanted: (mark: Remark) => Remark['after'],
    isCareful: boolean,
  ): Promise<void> {
    const inexact = new Map<number, TimedItem[]>();
    for (const mark of marks) {
      const marked = wanted(mark);
      const path = this.#live(mark);
      if (marked === undefined || (isCareful && !this.#isWayThere(mark))) continue;
      const live = lookAt(path);
      if (live?.type !== mark.type) continue;
      if (isCareful && mark.stamp !== undefined) {
        const times = [mark.before?.mtimeNs, mark.after?.mtimeNs];
        if (!isStampedButFor(live, mark.stamp, this.#keepsInodes[mark.root]!, times)) {
          this.#spared.add(path);
          continue;
        }
      }
      if (live.mode !== marked.mode) this.#disk.setMode(path, marked.mode);
      const { mtimeNs } = marked;
      if (mtimeNs === undefined || live.mtimeNs === mtimeNs) continue;
      this.#disk.setTime(path, fileTime(mtimeNs));
      if (isReachable(mtimeNs)) continue;
      const items = inexact.get(mark.root) ?? [];
      inexact.set(mark.root, items);
      items.push({ path: mark.path, type: mark.type, mtimeNs });
    }
    for (const [root, items] of inexact) {
      const scratch = `${this.#scratch}/times-${root}-${this.#scratches++}`;
      await this.#disk.setExactTimes(this.#roots[root]!.directory, scratch, items);
    }
  }

  async #flush(): Promise<void> {
    for (const [root, { directory }] of this.#roots.entries()) {
      const touched = new Set<string>(this.#aside.get(root));
      for (const move of [...this.#all.moves, ...this.#all.marks]) {
        if (move.root !== root) continue;
        const path = move.op === 'mark' ? move.path : parentPath(move.path)!;
        touched.add(path === '' ? directory : `${directory}/${path}`);
      }
      const present = [...touched].filter(exists);
      if (present.length > 0) await this.#disk.flushAll(present, directory);
    }
  }

  #live({ root, path }: Pick<Move, 'root' | 'path'>): string {
    const { directory } = this.#roots[root]!;
    return path === '' ? directory : `${directory}/${path}`;
  }

  #staged({ root, number }: Move): string {
    return stagedPath(this.#roots[root]!.directory, number);
  }

  #kept({ root, number }: Move): string {
    return keptPath(this.#roots[root]!.directory, number);
  }
}

function exists(path: string): boolean {
  return lookAt(path) !== undefined;
}

/** Somebody has worked where a restore was being prepared. */
export function targetChanged(path: string, hint: string): RestoreError {
  return new RestoreError('target-changed', `${path} changed while its restore was being prepared.`, {
    hint,
  });
}

function checkFailed(path: string): RestoreError {
  return new RestoreError(
    'check-failed',
    `After the restore ${path} is not what it should be; all was taken back.`,
    {
      hint: 'Another program may be working there: stop it and try again.',
    },
  );
}
