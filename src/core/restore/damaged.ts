import { INFO, ROW_CHUNKS } from '../backup/database-paths.ts';
import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { BitSet } from '../vault/bit-set.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkIndex } from '../vault/index.ts';
import { assertDamageOfOne } from '../vault/inspect.ts';
import { viewsIn } from '../vault/manifest.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import { comparePaths } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { SelectedDatabase } from './database-selection.ts';
import { Selection, type SelectedPath } from './selection.ts';
import { CONTENT_DAMAGED, type DamagedContent, type DamagedList, type SkippedPaths } from './skipped.ts';

/**
 * Reads all content of a backup that a restore of `paths` could need, and finds out what of it the vault cannot give back.
 * @param paths what is selected of the backup; undefined selects everything
 * @throws {StorageError} when the vault as a whole cannot be read; {CancelledError}
 */
export async function findDamaged(
  vault: Vault,
  record: BackupRecord,
  paths: readonly SelectedPath[] | undefined,
  task: Task,
): Promise<DamagedContent> {
  const finder = new Finder(vault, await vault.index(), task);
  const selection = new Selection(paths);
  for (const { root, chunks, firstPaths } of record.manifest) {
    if (selection.resolve(root) === 'none') continue;
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      throwIfCancelled(task);
      const id = chunks.subarray(at, at + CHUNK_ID_BYTES);
      const number = at / CHUNK_ID_BYTES;
      const firstPath = firstPaths[number] ?? root;
      const next = firstPaths[number + 1];
      const mayName = (path: string): boolean => isBetween(path, firstPath, next);
      const isMeant = selection.resolve(firstPath) === 'whole' || [...selection.within(root)].some(mayName);
      // Whatever table is restored, the rest of its database says how.
      const isWanted = (path: string): boolean =>
        root.startsWith(DATABASES) || selection.resolve(path) !== 'none';
      await finder.takeList(id, { root, firstPath, isMeant, mayName }, isWanted);
    }
  }
  return finder.look();
}

const DATABASES = 'databases/';

/** Whether a path stands in a part of the list, of which the first path and that of the next part are known. */
function isBetween(path: string, first: string, next: string | undefined): boolean {
  return comparePaths(path, first) >= 0 && (next === undefined || comparePaths(path, next) < 0);
}

class Finder {
  readonly #vault: Vault;
  readonly #index: ChunkIndex;
  readonly #task: Task;
  readonly #lists: DamagedList[] = [];
  readonly #damagedLists = new Set<string>();
  readonly #needed: BitSet;
  readonly #parts: { database: string; path: string; entry: Pick<EntryView, 'type' | 'size' | 'chunks'> }[] =
    [];

  constructor(vault: Vault, index: ChunkIndex, task: Task) {
    this.#vault = vault;
    this.#index = index;
    this.#task = task;
    this.#needed = new BitSet(index.numberCount);
  }

  /** Takes a chunk of the list: notes what content the wanted entries in it need. */
  async takeList(id: Buffer, list: DamagedList, isWanted: (path: string) => boolean): Promise<void> {
    const { root } = list;
    const bytes = await this.#read(async () => this.#vault.reader.readChunk(id, this.#index));
    if (bytes === undefined) {
      this.#damagedLists.add(id.toString('latin1'));
      this.#lists.push(list);
      return;
    }
    const database = root.startsWith(DATABASES) ? root.slice(DATABASES.length) : undefined;
    for (const { path, type, size, chunks } of viewsIn(bytes)) {
      if (!isWanted(path)) continue;
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        const chunk = this.#index.find(chunks, at);
        if (chunk >= 0) this.#needed.add(chunk);
      }
      if (database !== undefined)
        this.#parts.push({ database, path: path.slice(root.length + 1), entry: { type, size, chunks } });
    }
  }

  /** Reads all that is needed, in the order of the packs. */
  async look(): Promise<DamagedContent> {
    const index = this.#index;
    const { reader } = this.#vault;
    const lost = new BitSet(index.numberCount);
    const badFrames = new BitSet(index.frameCount);
    const total = [...this.#needed.values()].reduce((sum, chunk) => sum + index.bytesOf(chunk), 0);
    let done = 0;
    for (const chunk of this.#needed.values()) {
      throwIfCancelled(this.#task);
      this.#task.progress?.({ phase: 'check', done, total, unit: 'bytes' });
      const { frame } = index.place(chunk);
      if (!badFrames.has(frame)) {
        // The frame itself first: one that does not open is not read again for each of its chunks.
        const whole = await this.#read(async () => reader.readFrame(index.frame(frame), index));
        if (whole === undefined) badFrames.add(frame);
      }
      const isWhole =
        !badFrames.has(frame) &&
        (await this.#read(async () => reader.readChunk(index.idOf(chunk), index))) !== undefined;
      if (!isWhole) lost.add(chunk);
      done += index.bytesOf(chunk);
    }
    const isDamaged: DamagedContent['isDamaged'] = ({ type, size, chunks }) => {
      let bytes = 0;
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        const chunk = index.find(chunks, at);
        if (chunk < 0 || lost.has(chunk)) return true;
        bytes += index.bytesOf(chunk);
      }
      return type === 'file' && bytes !== size;
    };
    const databases = new Map<string, string[]>();
    for (const { database, path, entry } of this.#parts) {
      // Where rows were cut only the next backup wants to know.
      if (path === ROW_CHUNKS || !isDamaged(entry)) continue;
      const parts = databases.get(database);
      if (parts === undefined) databases.set(database, [path]);
      else parts.push(path);
    }
    for (const { root } of this.#lists) {
      if (root.startsWith(DATABASES)) databases.set(root.slice(DATABASES.length), [INFO]);
    }
    return {
      isDamaged,
      isListDamaged: (id) => this.#damagedLists.has(id.toString('latin1')),
      lists: this.#lists,
      databases,
    };
  }

  /** What is read; undefined when it is lost. */
  async #read<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      await assertDamageOfOne(this.#vault, error);
      return undefined;
    }
  }
}

const MOST_NAMED = 3;

/**
 * Takes out of selected databases what the vault cannot give back: a table that is named, or the database as a whole.
 * @param toFolder whether they go to a folder, where a database may lack the rows of some tables
 */
export function withoutDamaged(
  selected: readonly SelectedDatabase[],
  { databases }: DamagedContent,
  skipped: SkippedPaths,
  toFolder: boolean,
): SelectedDatabase[] {
  const left: SelectedDatabase[] = [];
  for (const one of selected) {
    const damaged = databases.get(one.name);
    if (damaged === undefined) {
      left.push(one);
      continue;
    }
    const root = `databases/${one.name}`;
    const tables = damaged.filter((path) => path.startsWith('tables/'));
    if (tables.length < damaged.length) {
      const part = damaged.find((path) => !tables.includes(path)) ?? INFO;
      skipped.add('damaged', root, `A part that all of it needs is damaged or lost in the vault: “${part}”.`);
    } else if (one.tables === undefined && toFolder) {
      for (const table of tables) skipped.add('damaged', `${root}/${table}`, CONTENT_DAMAGED);
      left.push({ ...one, without: tables });
    } else if (one.tables === undefined) {
      const named = tables.slice(0, MOST_NAMED).map((table) => `“${table.slice('tables/'.length)}”`);
      const others = tables.length - named.length;
      const list = others === 0 ? named.join(', ') : `${named.join(', ')} and ${String(others)} more`;
      const message = `Damaged or lost in the vault: ${list}. Its other tables can be restored one by one.`;
      skipped.add('damaged', root, message);
    } else {
      const whole = one.tables.filter((table) => !tables.includes(table));
      for (const table of one.tables)
        if (tables.includes(table)) skipped.add('damaged', `${root}/${table}`, CONTENT_DAMAGED);
      if (whole.length > 0) left.push({ ...one, tables: whole });
    }
  }
  return left;
}
