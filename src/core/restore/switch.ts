import { setImmediate as turn } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import type { Task } from '../task.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import type { TimedItem } from './exact-times.ts';
import { fileTime, isReachable } from './file-time.ts';
import type { JournalRoot, Move, Remark, Switch } from './journal.ts';
import { listNames, lookAt } from './live-tree.ts';
import { parentPath } from './selection.ts';
import { keptPath, stagedPath } from './staging.ts';

const MOVES_A_TURN = 128;
/** By how much the clocks of a disk and of this process may differ. */
const CLOCK_STEP_MS = 1000;
/** What a disk answers that cannot give a file a second name, or not one of somebody else's. */
const NO_SECOND_NAME = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']);

/**
 * Carries out the moves and marks of a restore, or takes them back. Each step can tell by what stands where whether it
 * was done already, so that both ways can be gone again after a kill at any moment.
 */
export class Switcher {
  readonly #disk: RestoreDisk;
  readonly #roots: readonly JournalRoot[];
  readonly #all: Switch;
  readonly #scratch: string;
  #scratches = 0;
  readonly #since: bigint | undefined;
  readonly #spared = new Set<string>();

  /**
   * @param scratch a directory in which nothing stands under `times…`; what is left there is the caller's to remove
   * @param since when the restore began that is brought to its end now: what was changed later is somebody's work, and
   *   stays as it is. Undefined for a restore that has not been interrupted.
   */
  constructor(disk: RestoreDisk, roots: readonly JournalRoot[], all: Switch, scratch: string, since?: Date) {
    this.#since = since && BigInt(since.getTime()) * 1_000_000n;
    this.#disk = disk;
    this.#roots = roots;
    this.#all = all;
    this.#scratch = scratch;
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
      else this.#remove(move);
      if (++done % MOVES_A_TURN !== 0) continue;
      task.progress?.({ phase: 'switch', done, total: this.#all.moves.length, unit: 'files' });
      await turn();
    }
    await this.#mark(
      this.#all.marks.filter((mark) => mark.path !== ''),
      (mark) => mark.after,
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
    );
    await this.#flush();
  }

  /** What was left as it is because somebody has changed it since. */
  get spared(): readonly string[] {
    return [...this.#spared];
  }

  /** Gives the roots their marks; last, when nothing is made or removed in them any more. */
  async markRoots(marks: 'before' | 'after'): Promise<void> {
    await this.#mark(
      this.#all.marks.filter((mark) => mark.path === ''),
      (mark) => mark[marks],
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

  #place(move: Move, again: boolean): void {
    const target = this.#live(move);
    const staged = this.#staged(move);
    const kept = this.#kept(move);
    const fresh = lookAt(staged);
    if (fresh === undefined && again) return;
    if (this.#isWork(target, !exists(kept))) return;
    const live = lookAt(target);
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

  #remove(move: Move): void {
    const target = this.#live(move);
    const kept = this.#kept(move);
    if (!exists(target) || exists(kept) || this.#isWork(target, true)) return;
    this.#disk.rename(target, kept);
  }

  #takeBack(move: Move): void {
    const target = this.#live(move);
    const staged = this.#staged(move);
    const kept = this.#kept(move);
    if (this.#isWork(target, false)) return;
    if (move.op === 'place' && !exists(staged) && exists(target)) this.#disk.rename(target, staged);
    if (exists(kept)) this.#disk.rename(kept, target);
  }

  /**
   * Whether somebody has worked on what stands there since the restore was interrupted, and not the restore itself.
   * @param untouched whether the restore has done nothing with it, not even given it a second name
   */
  #isWork(path: string, untouched: boolean): boolean {
    const isWork = this.#since !== undefined && isNewer(path, this.#since, untouched);
    if (isWork) this.#spared.add(path);
    return isWork;
  }

  #unlock(mark: Remark): void {
    const path = this.#live(mark);
    const live = lookAt(path);
    if (live?.type !== 'directory' || (live.mode & 0o700) === 0o700) return;
    this.#disk.setMode(path, live.mode | 0o700);
  }

  async #mark(marks: readonly Remark[], wanted: (mark: Remark) => Remark['after']): Promise<void> {
    const inexact = new Map<number, TimedItem[]>();
    for (const mark of marks) {
      const marked = wanted(mark);
      const path = this.#live(mark);
      const live = marked && lookAt(path);
      if (marked === undefined || live?.type !== mark.type) continue;
      if (mark.type === 'file' && this.#isWork(path, false)) continue;
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
      const touched = new Set<string>();
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

/** Whether a file, or one in a directory, was changed after a moment, in nanoseconds since 1970. */
function isNewer(path: string, since: bigint, alsoMoved: boolean): boolean {
  const live = lookAt(path);
  if (live === undefined) return false;
  if (live.type === 'directory') {
    return listNames(path).some((name) => isNewer(`${path}/${name}`, since, alsoMoved));
  }
  // A time that is still to come was given to it, and may have come with the backup.
  const isWritten = live.mtimeNs > since && live.mtimeNs <= BigInt(Date.now() + CLOCK_STEP_MS) * 1_000_000n;
  return isWritten || (alsoMoved && live.ctimeNs > since);
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
