import { MOST_PROBLEMS_OF_A_KIND } from '../problem.ts';
import type { EntryView } from '../vault/manifest-entry.ts';

/** Something a restore leaves out. */
export interface SkippedPath {
  /**
   * `damaged`: the vault cannot give it back. `list-damaged`: what a damaged part of the backup’s list named, beginning
   * with this path. `database`: a file of a database of the set, which is more than that file.
   */
  readonly code: 'damaged' | 'list-damaged' | 'database';
  /** In the backup: of a file, a database or a table. */
  readonly path: string;
  /** One sentence for the user. */
  readonly message: string;
}

/** What a restore leaves out: all of it counted, the first of each kind listed. */
export class SkippedPaths {
  readonly listed: SkippedPath[] = [];
  readonly #counts = { damaged: 0, 'list-damaged': 0, database: 0 };

  get count(): number {
    return this.#counts.damaged + this.#counts['list-damaged'] + this.#counts.database;
  }

  add(code: SkippedPath['code'], path: string, message: string): void {
    if (this.#counts[code]++ < MOST_PROBLEMS_OF_A_KIND) this.listed.push({ code, path, message });
  }
}

/** A part of a backup’s list that is lost. */
export interface DamagedList {
  readonly root: string;
  readonly firstPath: string;
  /** Whether anything that is selected may have been in it. */
  readonly isMeant: boolean;
  /** Whether a path of the backup may have been in it, by the order of the list. */
  readonly mayName: (path: string) => boolean;
}

/** What the vault cannot give back of a backup. */
export interface DamagedContent {
  /** Whether a file’s content, or a part of a database, is lost or damaged. */
  isDamaged(entry: Pick<EntryView, 'type' | 'size' | 'chunks'>): boolean;
  /** Whether a chunk of the backup’s list is. */
  isListDamaged(id: Buffer): boolean;
  /** Parts of the list that are, in its order. */
  readonly lists: readonly DamagedList[];
  /** Parts of databases that are, by database: paths below it. */
  readonly databases: ReadonlyMap<string, readonly string[]>;
}

/** Why a file or table is left out. */
export const CONTENT_DAMAGED = 'Its content is damaged or lost in the vault.';
/** Why nobody knows what is left out. */
export const LIST_DAMAGED =
  'A part of the list of files, which begins here, is damaged or lost in the vault; what it named is not known.';
/** Why a path that was asked for is left out. */
export const PERHAPS_LISTED =
  'It is not in what is left of the list of files; a part that may have named it is damaged or lost in the vault.';
/** What to do about damage. */
export const DAMAGE_WAY_OUT =
  '“crm-backup verify --level data” tells what is affected; with --skip-damaged all else is restored.';
/** What to do about damage that stops a restore before anything is changed. */
export const DAMAGE_HINT = `Nothing was changed. ${DAMAGE_WAY_OUT}`;
