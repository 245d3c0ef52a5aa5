import { setImmediate as turn } from 'node:timers/promises';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { RestoreDisk } from './disk.ts';
import { diskFailure, shownPath } from './disk-failure.ts';
import type { TimedItem } from './exact-times.ts';
import { fileTime, isReachable } from './file-time.ts';
import type { Owner } from './file-writer.ts';
import type { PreparedRoot } from './prepare-root.ts';
import type { NewEntry } from './root-plan.ts';
import { type Staging, stagedPath } from './staging.ts';
import { type NewFile, suitsTar } from './write-jobs.ts';

const ENTRIES_A_TURN = 512;
/** Threads wait for their next job while these are made. */
const LIGHT_A_TURN = 64;

/** An entry and where it is staged. */
interface Staged {
  readonly entry: NewEntry;
  readonly file: string;
  readonly owner: Owner | undefined;
}

/**
 * Everything new of one root, on its way into the staging directory: first the directories, then links and, written
 * elsewhere, the files, then what can only be set when nothing is made in a directory any more.
 */
export class RootStage {
  /** Files that have content to be written. */
  readonly files: NewFile[] = [];
  /** Paths that must be durable before they are moved into place. */
  readonly made: string[] = [];
  readonly #light: Staged[] = [];
  readonly #disk: RestoreDisk;
  readonly #prepared: PreparedRoot;
  readonly #staging: Staging;

  constructor(disk: RestoreDisk, prepared: PreparedRoot, staging: Staging) {
    this.#disk = disk;
    this.#prepared = prepared;
    this.#staging = staging;
  }

  /** Where all of it is made, absolute. */
  get directory(): string {
    return this.#staging.path;
  }

  /** Makes the directories, and collects what goes into them. */
  async begin(task: Task): Promise<void> {
    let done = 0;
    for (const { entry, file, owner } of this.#entries()) {
      if (entry.type === 'directory') this.#make(entry, () => this.#disk.makeDirectory(file, 0o700));
      else if (entry.type === 'link' || entry.size === 0) this.#light.push({ entry, file, owner });
      else this.files.push({ root: this.#prepared.target.root, entry, file, owner });
      if (entry.type !== 'link') this.made.push(file);
      if (++done % ENTRIES_A_TURN !== 0) continue;
      throwIfCancelled(task);
      await turn();
    }
  }

  /** Makes links and empty files; may run while the other files are written. */
  async makeLight(task: Task): Promise<void> {
    let done = 0;
    for (const { entry, file, owner } of this.#light) {
      const attributes = { mode: entry.mode, time: fileTime(entry.mtimeNs), owner };
      this.#make(entry, () => {
        if (entry.type === 'link') this.#disk.createLink(file, entry.target ?? '', attributes);
        else this.#disk.createFile(file, NOTHING, attributes);
      });
      if (++done % LIGHT_A_TURN !== 0) continue;
      throwIfCancelled(task);
      await turn();
    }
  }

  /**
   * Gives files of several chunks and directories their modes and times, the deepest first.
   * @param byTar whether tar has written the files that suit it
   */
  async finish(byTar: boolean): Promise<void> {
    const inexact: TimedItem[] = [];
    const later: (Staged & { mode: number })[] = [];
    for (const { entry, file, owner, isTop } of this.#entries()) {
      const { type, mtimeNs, target } = entry;
      // A directory that may not be written to could not be moved; it gets its mode in place.
      const mode = isTop && type === 'directory' ? entry.mode | 0o200 : entry.mode;
      if (type === 'directory' || isInParts(entry)) later.push({ file, entry, mode, owner });
      if (!isReachable(mtimeNs) && !(byTar && suitsTar({ entry, owner }))) {
        const path = file.slice(this.#staging.path.length + 1);
        inexact.push({ path, type, mtimeNs, target, owner });
      }
    }
    for (const { file, entry, mode, owner } of later.reverse()) {
      this.#disk.setAttributes(file, { mode, time: fileTime(entry.mtimeNs), owner });
    }
    if (inexact.length > 0) {
      await this.#disk.setExactTimes(this.#staging.path, `${this.#staging.path}/times`, inexact);
    }
  }

  /** @throws {RestoreError} which says what could not be made. */
  #make({ path }: NewEntry, make: () => void): void {
    try {
      make();
    } catch (error) {
      throw diskFailure(`make ${shownPath(`${this.#prepared.target.root}/${path}`)}`, error);
    }
  }

  *#entries(): Generator<Staged & { isTop: boolean }> {
    const { directory } = this.#prepared.target;
    for (const { number, placement, owner } of this.#prepared.placements) {
      const staged = stagedPath(directory, number);
      for (const entry of placement.entries) {
        const below = entry.path.slice(placement.path.length);
        yield { entry, file: staged + below, owner, isTop: below === '' };
      }
    }
  }
}

function isInParts(entry: NewEntry): boolean {
  return entry.type === 'file' && entry.chunks.length > CHUNK_ID_BYTES;
}

const NOTHING = Buffer.alloc(0);
