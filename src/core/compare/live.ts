import { setImmediate as turn } from 'node:timers/promises';
import type { Problem } from '../problem.ts';
import { createFilter } from '../set/match.ts';
import { isUnchanged } from '../source/change.ts';
import { openForReading } from '../source/open.ts';
import { type Scanned, scanRoot } from '../source/scan.ts';
import { troubleOf } from '../source/trouble.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import { comparePaths, isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { changeBetween, type ComparedEntry, type EntryChange } from './change.ts';
import { merge, outermost } from './merge.ts';

/** A folder as a set has it now. */
export interface LiveRoot {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const ENTRIES_A_TURN = 256;

/**
 * What differs between a backup and the folders of its set as they are now, in order of paths: all of it, or only what
 * stands at or below `paths`. A file is read only when its stat speaks of a change and its size does not tell. What
 * cannot be read is reported and counts as unchanged.
 * @throws {VaultError} `damaged`, `missing-chunk`. {CancelledError}
 */
export async function* compareWithLive(
  vault: Vault,
  record: BackupRecord,
  roots: readonly LiveRoot[],
  paths: readonly string[],
  report: (problem: Problem) => void,
  task: Task = {},
): AsyncGenerator<EntryChange> {
  const baseStartedAtNs = BigInt(Date.parse(record.createdAt)) * 1_000_000n;
  const check = new LiveCheck(vault, baseStartedAtNs, report);
  const unread = new Set<string>();
  const note = (problem: Problem): void => {
    // Looked at for several paths, it is told once.
    if (unread.has(problem.path)) return;
    if (problem.incomplete) unread.add(problem.path);
    report(problem);
  };
  for (const path of outermost(paths)) {
    const before = filesOf(vault.entries(record, path));
    for await (const [stored, live] of merge(before, liveEntries(roots, path, note, task))) {
      throwIfCancelled(task);
      // What is live comes in the same order: all that could not be read up to here is known.
      if (live === undefined && stored !== undefined && isAtOrBelow(stored.path, unread)) continue;
      const change =
        stored === undefined || live === undefined
          ? changeBetween(stored, live?.entry)
          : await check.changeOf(stored, live);
      if (change !== undefined) yield change;
    }
  }
}

/** Databases have no folder to be compared with. */
async function* filesOf(entries: AsyncIterable<EntryView>): AsyncGenerator<EntryView> {
  for await (const entry of entries) if (isWithin(entry.path, 'files')) yield entry;
}

/** Whether a path is one of some others, or stands below one. */
function isAtOrBelow(path: string, others: ReadonlySet<string>): boolean {
  if (others.size === 0) return false;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
    if (others.has(path.slice(0, end))) return true;
  return false;
}

interface LiveEntry {
  readonly path: string;
  readonly found: Scanned;
  readonly entry: ComparedEntry;
}

async function* liveEntries(
  roots: readonly LiveRoot[],
  under: string | undefined,
  report: (problem: Problem) => void,
  task: Task,
): AsyncGenerator<LiveEntry> {
  const sorted = [...roots].sort((a, b) => comparePaths(a.name, b.name));
  let seen = 0;
  for (const root of sorted) {
    const rootPath = `files/${root.name}`;
    if (under !== undefined && !isWithin(under, rootPath) && !isWithin(rootPath, under)) continue;
    const filter = createFilter(root.include, root.exclude);
    const about = (problem: Problem): void => {
      const { path } = problem;
      if (under === undefined || isWithin(path, under) || isWithin(under, path)) report(problem);
    };
    for (const found of scanRoot(root, about, { signal: task.signal }, filter)) {
      const path = found.path === '' ? rootPath : `${rootPath}/${found.path}`;
      if (++seen % ENTRIES_A_TURN === 0) {
        task.progress?.({ phase: 'compare', done: seen, unit: 'files' });
        await turn();
      }
      if (under !== undefined && !isWithin(path, under)) continue;
      const { type, size, mode, target } = found;
      const file = type === 'file' ? `${root.directory}/${found.path}` : undefined;
      yield { path, found, entry: { path, type, size, mode, target, file } };
    }
  }
}

/** Tells whether a live file has the content that a backup has of it. */
class LiveCheck {
  readonly #vault: Vault;
  readonly #baseStartedAtNs: bigint;
  readonly #report: (problem: Problem) => void;
  #buffer = Buffer.alloc(0);

  constructor(vault: Vault, baseStartedAtNs: bigint, report: (problem: Problem) => void) {
    this.#vault = vault;
    this.#baseStartedAtNs = baseStartedAtNs;
    this.#report = report;
  }

  async changeOf(stored: EntryView, { found, entry }: LiveEntry): Promise<EntryChange | undefined> {
    if (found.type !== 'file' || stored.type !== 'file') return changeBetween(stored, entry);
    const same =
      isUnchanged(found, stored, this.#baseStartedAtNs) || (await this.#hasContentOf(stored, entry));
    return changeBetween(stored, same ? { ...entry, chunks: stored.chunks } : entry);
  }

  async #hasContentOf(stored: EntryView, live: ComparedEntry): Promise<boolean> {
    if (stored.size !== live.size || live.file === undefined) return false;
    try {
      return await this.#matches(live.file, stored.chunks);
    } catch (error) {
      this.#report({ path: live.path, ...troubleOf(error) });
      return true;
    }
  }

  /** Reads the file in pieces as long as the stored chunks and compares their ids. */
  async #matches(file: string, chunks: Buffer): Promise<boolean> {
    const index = await this.#vault.index();
    const handle = await openForReading(file);
    try {
      let position = 0;
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        const number = index.find(chunks, at);
        if (number < 0) return false;
        const length = index.bytesOf(number);
        if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(length);
        const { bytesRead } = await handle.read(this.#buffer, 0, length, position);
        const id = this.#vault.chunkIds.of(this.#buffer.subarray(0, bytesRead));
        if (bytesRead !== length || id.compare(chunks, at, at + CHUNK_ID_BYTES) !== 0) return false;
        position += length;
      }
      return true;
    } finally {
      await handle.close();
    }
  }
}
