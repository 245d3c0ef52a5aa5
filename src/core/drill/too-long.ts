import { encodeName } from '../source/name.ts';
import { shownPath } from '../restore/disk-failure.ts';
import { parentPath } from '../restore/selection.ts';
import type { DrillProblem } from './left-out.ts';

/** So many bytes a path may have; Windows is asked in a way that allows more than any backup has. */
const MOST_BYTES: Partial<Record<NodeJS.Platform, number>> = { win32: Infinity, darwin: 1023 };
const MOST_BYTES_ELSEWHERE = 4095;
/** A path is longer by less than this while it is staged. */
const STAGING_BYTES = 64;

/** Finds the entries whose paths are too long below a folder, where other folders than the drill's may have room for them. */
export class TooLong {
  /** The topmost of them; with it all below it. */
  readonly problems: DrillProblem[] = [];
  readonly #folder: string;
  readonly #leastRoom: number;

  constructor(folder: string, platform: NodeJS.Platform = process.platform) {
    this.#folder = folder;
    const most = MOST_BYTES[platform] ?? MOST_BYTES_ELSEWHERE;
    this.#leastRoom = most - encodeName(`${folder}/`).length - STAGING_BYTES;
  }

  /** Whether the path of an entry is. */
  has(path: string): boolean {
    // No path is longer in bytes than three times its length: most need not be counted.
    return path.length * 3 > this.#leastRoom && encodeName(path).length > this.#leastRoom;
  }

  /** Notes an entry that is left out. */
  add(path: string): void {
    if (this.has(parentPath(path) ?? '')) return;
    this.problems.push({
      code: 'path-too-long',
      path,
      message: `${shownPath(path)}, with all below it, was left out: its path is too long below ${this.#folder}, where the drill restores to. To rehearse it, let CRM_BACKUP_HOME be a folder with a shorter path, or use “crm-backup restore --to”.`,
    });
  }
}
