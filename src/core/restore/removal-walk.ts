import type { PathFilter } from '../set/match.ts';
import { comparePaths } from '../vault/order.ts';
import { RestoreError } from './error.ts';
import type { LiveStat, LiveTree } from './live-tree.ts';
import type { Removal } from './root-plan.ts';
import { DirectoryDigest, type Stamp, stampWith } from './stamp.ts';
import { isStagingName } from './staging-name.ts';

interface Found {
  /** Whether it may be moved away with everything in it. */
  readonly whole: boolean;
  /** Files and links in it that may be removed. */
  readonly files: number;
  readonly removals: readonly Removal[];
  /** A path that must stay. */
  readonly stays: string | undefined;
  /** Of a directory that may be moved away; else empty. */
  readonly digest: string;
}

/**
 * Finds out what may be moved away: only files that the backup's own rules take, so that a safety backup has them.
 * What is excluded stays, and so do sockets, pipes, devices, other file systems, and the folders around all these.
 */
export class RemovalWalk {
  readonly removals: Removal[] = [];
  /** Files and links that go. */
  files = 0;
  readonly #live: LiveTree;
  readonly #filter: PathFilter;
  readonly #device: bigint | undefined;

  /** @param device the file system of the root; what is on another one stays */
  constructor(live: LiveTree, filter: PathFilter, device: bigint | undefined) {
    this.#live = live;
    this.#filter = filter;
    this.#device = device;
  }

  /** Removes everything from a directory but these names. Whether that changes the directory. */
  extras(directory: string, keep: ReadonlySet<string>): boolean {
    const extras = (this.#live.list(directory) ?? []).filter((name) => !keep.has(name)).sort(comparePaths);
    if (extras.length === 0) return false;
    const before = this.removals.length;
    const kept = new Map([...keep].map((name) => [fold(name), name]));
    for (const name of extras) {
      const other = kept.get(fold(name));
      if (other === undefined || !this.#isOne(join(directory, name), join(directory, other))) {
        this.remove(join(directory, name));
      }
    }
    // What goes from deeper down leaves the directory itself as it is.
    return this.removals.slice(before).some(({ path }) => !path.slice(directory.length + 1).includes('/'));
  }

  /** Removes a path as far as it may be removed. */
  remove(path: string): void {
    const live = this.#live.look(path);
    if (live === undefined) return;
    const { files, removals } = this.#find(path, live);
    this.files += files;
    this.removals.push(...removals);
  }

  /**
   * Counts what goes with a directory that gives way to a file. Comes back: its stamp.
   * @throws {RestoreError} `would-lose-files` when something in it is in no backup.
   */
  clear(path: string, live: LiveStat, name: string): Stamp {
    const { stays, files, digest } = this.#find(path, live);
    if (stays !== undefined) {
      throw new RestoreError(
        'would-lose-files',
        `${name} is a folder now and cannot give way to a file: ${stays} in it is in no backup.`,
        { hint: 'Move that away and try again; nothing was changed.' },
      );
    }
    this.files += files;
    return stampWith(live, digest);
  }

  #find(path: string, live: LiveStat): Found {
    if (live.type !== 'directory') {
      const whole = live.type !== 'special' && this.#filter.includes(path, false);
      return whole
        ? { whole, files: 1, removals: [removalOf(path, live, '')], stays: undefined, digest: '' }
        : { whole, files: 0, removals: [], stays: path, digest: '' };
    }
    const stay: Found = { whole: false, files: 0, removals: [], stays: path, digest: '' };
    if (live.device !== this.#device || isStagingName(path)) return stay;
    const names = this.#live.list(path);
    if (names === undefined) return stay;
    const inside: Found[] = [];
    const content = new DirectoryDigest();
    for (const name of names.sort(comparePaths)) {
      const below = `${path}/${name}`;
      const stat = this.#live.look(below);
      if (stat === undefined) continue;
      const found = this.#find(below, stat);
      inside.push(found);
      content.add(name, stat, found.digest);
    }
    const files = inside.reduce((sum, one) => sum + one.files, 0);
    const stays = inside.find((one) => one.stays !== undefined)?.stays;
    if (stays === undefined && this.#filter.includes(path, true)) {
      const digest = content.end();
      return { whole: true, files, removals: [removalOf(path, live, digest)], stays: undefined, digest };
    }
    const removals = inside.flatMap((one) => one.removals);
    return { whole: false, files, removals, stays: stays ?? path, digest: '' };
  }

  /** Whether two spellings name one file, on a disk to which case or composition makes no difference. */
  #isOne(path: string, other: string): boolean {
    const inode = this.#live.look(path)?.inode;
    return inode !== undefined && inode === this.#live.look(other)?.inode;
  }
}

function removalOf(path: string, live: LiveStat, digest: string): Removal {
  return { path, live, before: stampWith(live, digest) };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
