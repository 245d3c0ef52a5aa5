import { openDatabase, type OpenDatabase } from '../core/compare/rows-open.ts';
import { DatabaseError } from '../core/database/error.ts';
import { findBackup } from '../core/reference.ts';
import { StorageError } from '../core/storage/storage.ts';
import type { Task } from '../core/task.ts';
import { VaultError } from '../core/vault/error.ts';
import type { InVersions } from './protocol.ts';
import type { Vaults } from './vaults.ts';

/** How long a comparison stays open when nobody asks for rows of it. */
const IDLE_MS = 120_000;

interface Opened {
  readonly database: Promise<OpenDatabase>;
  /** How many requests work with it. */
  users: number;
  /** Whether it is to be closed when the last has finished. */
  isOver: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Databases of two versions that are open to be compared. They stay open for a while, so that pages of rows cost little
 * and those of a live database are of one moment.
 */
export class Comparisons {
  readonly #vaults: Vaults;
  readonly #open = new Map<string, Opened>();

  constructor(vaults: Vaults) {
    this.#vaults = vaults;
  }

  /**
   * Works with a database of two versions. When another process has moved what is read meanwhile, it is opened once more.
   * @throws {DatabaseError} when a side cannot be read or has no such database; {VaultError}; {CancelledError}
   */
  async use<Result>(
    versions: InVersions,
    name: string,
    work: (database: OpenDatabase) => Promise<Result>,
    task: Task,
  ): Promise<Result> {
    try {
      return await this.#use(versions, name, work, task);
    } catch (error) {
      if (!isMoved(error)) throw error;
      this.forget(versions);
      const vault = await this.#vaults.existing(await this.#vaults.place(versions));
      vault.forgetIndex();
      return this.#use(versions, name, work, task);
    }
  }

  /** Closes what is open of a set’s databases as they are now, or of all versions. */
  forget({ workspace, set }: Pick<InVersions, 'workspace' | 'set'>, liveOnly = false): void {
    for (const [key, opened] of this.#open) {
      const [ofWorkspace, ofSet, , to] = JSON.parse(key) as (string | null)[];
      if (ofWorkspace === workspace && ofSet === set && (!liveOnly || to === null)) this.#over(key, opened);
    }
  }

  /** Closes everything that nobody works with. */
  async close(): Promise<void> {
    const all = [...this.#open];
    for (const [key, opened] of all) this.#over(key, opened);
    await Promise.allSettled(all.map(async ([, { database }]) => database));
  }

  async #use<Result>(
    versions: InVersions,
    name: string,
    work: (database: OpenDatabase) => Promise<Result>,
    task: Task,
  ): Promise<Result> {
    const { workspace, set, from, to } = versions;
    const key = JSON.stringify([workspace, set, from, to, name]);
    let opened = this.#open.get(key);
    if (opened === undefined) {
      opened = { database: this.#openOne(versions, name, task), users: 0, isOver: false, timer: undefined };
      this.#open.set(key, opened);
    }
    clearTimeout(opened.timer);
    opened.users++;
    try {
      return await work(await opened.database);
    } catch (error) {
      // What could not be opened is tried anew the next time.
      const one = opened;
      await one.database.catch(() => this.#over(key, one));
      throw error;
    } finally {
      opened.users--;
      this.#rest(key, opened);
    }
  }

  #rest(key: string, opened: Opened): void {
    if (opened.users > 0) return;
    if (opened.isOver) void this.#dispose(opened);
    else opened.timer = setTimeout(() => this.#over(key, opened), IDLE_MS).unref();
  }

  #over(key: string, opened: Opened): void {
    if (this.#open.get(key) === opened) this.#open.delete(key);
    clearTimeout(opened.timer);
    opened.isOver = true;
    if (opened.users === 0) void this.#dispose(opened);
  }

  async #dispose({ database }: Opened): Promise<void> {
    await database.then(
      async (one) => one[Symbol.asyncDispose](),
      () => undefined,
    );
  }

  async #openOne({ from, to, ...set }: InVersions, name: string, task: Task): Promise<OpenDatabase> {
    const placed = await this.#vaults.place(set);
    const vault = await this.#vaults.existing(placed);
    const listing = await this.#vaults.records(vault);
    const before = from === null ? undefined : findBackup(listing, from, set.set);
    const after = to === null ? placed.set.databases : findBackup(listing, to, set.set);
    let message = `There is no database “${name}” on either side.`;
    const selection = { from: before, to: after, paths: [] };
    // Only waiting for rows is cancelled with a request: others may wait for the same.
    const { progress } = task;
    const database = await openDatabase(vault, selection, name, (problem) => (message = problem.message), {
      progress,
    });
    if (database === undefined) throw new DatabaseError('no-database', message);
    return database;
  }
}

function isMoved(error: unknown): boolean {
  return (
    (error instanceof VaultError && error.code === 'missing-chunk') ||
    (error instanceof StorageError && error.code === 'missing')
  );
}
