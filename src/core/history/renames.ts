import { type EntryChange, pairRenames } from '../compare/change.ts';
import type { Task } from '../task.ts';
import type { Vault } from '../vault/vault.ts';
import { HistoryError } from './error.ts';
import { changed, FastImport } from './fast-import.ts';
import { ChunkSource } from './losses.ts';
import { fromMirrorPath, toMirrorPath } from './mirror-path.ts';
import { MOST_TEXT_BYTES, mirroredContent, mirroredMode } from './mirrored-content.ts';
import type { HistoryRepository } from './repository.ts';

/** git compares each file that is gone with each that is new; more pairs than its own limit it does not look at. */
const MOST_PAIRS = 1_000_000;

/** What may be a rename with other content, as far as its name and size tell. */
export interface RenameCandidates {
  readonly gone: readonly EntryChange[];
  readonly fresh: readonly EntryChange[];
}

/**
 * The text files of a comparison that are gone and those that are new, where one may be the other: half of its size at
 * least. None where there is nothing to pair, so that git need not be asked. Pure.
 */
export function renameCandidates(changes: readonly EntryChange[]): RenameCandidates {
  const gone = changes.filter(({ change, before }) => change === 'deleted' && mayBeText(before));
  const fresh = changes.filter(({ change, after }) => change === 'added' && mayBeText(after));
  const matches = (sizes: readonly number[], size: number): boolean => {
    const next = sizes[lowerBound(sizes, size / 2)];
    return next !== undefined && next <= size * 2;
  };
  const goneSizes = gone.map(({ before }) => before?.size ?? 0).sort((a, b) => a - b);
  const freshSizes = fresh.map(({ after }) => after?.size ?? 0).sort((a, b) => a - b);
  const candidates = {
    gone: gone.filter(({ before }) => matches(freshSizes, before?.size ?? 0)),
    fresh: fresh.filter(({ after }) => matches(goneSizes, after?.size ?? 0)),
  };
  const pairs = candidates.gone.length * candidates.fresh.length;
  return pairs > MOST_PAIRS ? { gone: [], fresh: [] } : candidates;
}

/**
 * Makes one `renamed` of each file that was deleted in one place and added in another: those with the same content, then
 * those of which git says that they are alike. Only these are handed to git, whatever the size of the backups.
 * @throws {HistoryError} `no-git`, `git-failed`; {@link pairRenames} does without git. {CancelledError}
 */
export async function findRenames(
  repository: HistoryRepository,
  vault: Vault,
  changes: readonly EntryChange[],
  task: Task,
): Promise<EntryChange[]> {
  const paired = pairRenames(changes);
  const { gone, fresh } = renameCandidates(paired);
  if (gone.length === 0) return paired;
  const pairs = await alikeByGit(repository, vault, gone, fresh, task);
  if (pairs.size === 0) return paired;
  const goneByPath = new Map(gone.map((change) => [change.path, change]));
  const used = new Set([...pairs.values()].map(({ oldPath }) => oldPath));
  return paired
    .filter(({ change, path }) => change !== 'deleted' || !used.has(path))
    .map((change) => {
      const pair = change.change === 'added' ? pairs.get(change.path) : undefined;
      const from = pair && goneByPath.get(pair.oldPath);
      if (pair === undefined || from === undefined) return change;
      return { ...change, change: 'renamed', ...pair, before: from.before };
    });
}

/** Changes with their renames, and why git had no part in them. */
export interface Paired {
  readonly changes: EntryChange[];
  /** Then a file that was renamed and changed is told as deleted and added. */
  readonly hint: HistoryError | undefined;
}

/** As {@link findRenames}; where git is of no help, with those renames that need none. @throws {CancelledError} */
export async function findRenamesIfPossible(
  repository: HistoryRepository,
  vault: Vault,
  changes: readonly EntryChange[],
  task: Task,
): Promise<Paired> {
  try {
    return { changes: await findRenames(repository, vault, changes, task), hint: undefined };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return { changes: pairRenames(changes), hint: error };
  }
}

/** What git takes for one file: by the new path, the old one and how much of it is the same, in percent. */
async function alikeByGit(
  repository: HistoryRepository,
  vault: Vault,
  gone: readonly EntryChange[],
  fresh: readonly EntryChange[],
  task: Task,
): Promise<Map<string, { readonly oldPath: string; readonly similarity: number }>> {
  await using scratch = await repository.scratch();
  const sides = { before: 'refs/heads/before', after: 'refs/heads/after' };
  await using stream = new FastImport(scratch, task);
  const source = new ChunkSource(vault);
  for (const [side, changes] of [
    ['before', gone],
    ['after', fresh],
  ] as const) {
    const lines: string[] = [];
    for (const [done, change] of changes.entries()) {
      task.progress?.({ phase: 'renames', done, total: changes.length, unit: 'files' });
      const entry = change[side];
      const content = entry && (await mirroredContent(source, entry));
      if (entry === undefined || content === undefined) continue;
      lines.push(changed(toMirrorPath(change.path), mirroredMode(entry), await stream.blob(content)));
    }
    await stream.commit({ ref: sides[side], message: side, atMs: 0, parent: undefined }, lines);
  }
  await stream.finish();
  const options = ['-r', '-z', '-M', '-l1000', '--diff-filter=R'];
  return parseRenames(await scratch.run(['diff-tree', ...options, sides.before, sides.after], task));
}

/** Reads `git diff-tree -z`: after each line of modes, ids and status, the old path and the new one. */
function parseRenames(told: string): Map<string, { oldPath: string; similarity: number }> {
  const parts = told.split('\0');
  const pairs = new Map<string, { oldPath: string; similarity: number }>();
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [, similarity] = / R(\d+)$/.exec(parts[at] ?? '') ?? [];
    const [oldPath, path] = [parts[at + 1], parts[at + 2]];
    if (similarity === undefined || oldPath === undefined || path === undefined) continue;
    pairs.set(fromMirrorPath(path), { oldPath: fromMirrorPath(oldPath), similarity: Number(similarity) });
  }
  return pairs;
}

function mayBeText(entry: EntryChange['before']): boolean {
  return entry?.type === 'file' && entry.size > 0 && entry.size <= MOST_TEXT_BYTES;
}

/** Where the first of sorted numbers is that is not less than a value. */
function lowerBound(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? 0) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
