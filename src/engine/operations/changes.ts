import { type ComparedEntry, type EntryChange as Change, isOfInterest } from '../../core/compare/change.ts';
import { compareWithLive } from '../../core/compare/live.ts';
import { compareRecords } from '../../core/compare.ts';
import { findRenamesIfPossible } from '../../core/history/renames.ts';
import { historyOf } from '../../core/history.ts';
import { findBackup } from '../../core/reference.ts';
import type { Problem } from '../../core/problem.ts';
import { openForReading } from '../../core/source/open.ts';
import { type Task, throwIfCancelled } from '../../core/task.ts';
import { CHUNK_ID_BYTES } from '../../core/vault/chunk-id.ts';
import { isDamage } from '../../core/vault/error.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { toFailure } from '../failure.ts';
import type { EntryChange } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import { reading, type Vaults } from '../vaults.ts';

/** As many changes are looked into for whether they are text: more nobody reads at once. */
const MOST_PROBED = 500;
/** Git's own rule: a NUL among the first 8000 bytes. */
const PROBE_BYTES = 8000;

/** What differs between two backups of a set. A database that only one of them has is left out: `tables` tells. */
export function changes(vaults: Vaults): Handler<'changes'> {
  return async ({ from, paths, probe, ...target }, task) => {
    const { vault, record, listing } = await vaults.backup(target);
    const before = findBackup(listing, from, target.set);
    return reading(vault, async () => {
      const found: Change[] = [];
      const problems: Problem[] = [];
      const report = (problem: Problem): void => void problems.push(problem);
      for await (const change of compareRecords(vault, before, record, paths, report, task)) {
        if (isOfInterest(change)) found.push(change);
      }
      const history = historyOf(vaults.surroundings, vault, target.set);
      const paired =
        paths.length === 0
          ? await findRenamesIfPossible(history, vault, found, task)
          : { changes: found, hint: undefined };
      return {
        changes: await told(vault, paired.changes, probe ? MOST_PROBED : 0, task),
        problems,
        hint: paired.hint && toFailure(paired.hint),
      };
    });
  };
}

/** What differs between a backup and the folders of its set. What cannot be read is told, and counts as unchanged. */
export function workingChanges(vaults: Vaults): Handler<'workingChanges'> {
  return async ({ paths, probe, ...target }, task) => {
    const { vault, record, placed } = await vaults.backup(target);
    return reading(vault, async () => {
      const found: Change[] = [];
      const problems: Problem[] = [];
      const report = (problem: Problem): void => {
        if (problem.incomplete) problems.push(problem);
      };
      const live = compareWithLive(vault, record, placed.set.roots, paths, report, task);
      for await (const change of live) found.push(change);
      const history = historyOf(vaults.surroundings, vault, target.set);
      const paired =
        probe && paths.length === 0
          ? await findRenamesIfPossible(history, vault, found, task)
          : { changes: found, hint: undefined };
      return {
        changes: await told(vault, paired.changes, probe ? MOST_PROBED : 0, task),
        problems,
        hint: paired.hint && toFailure(paired.hint),
      };
    });
  };
}

async function told(
  vault: Vault,
  found: readonly Change[],
  probes: number,
  task: Task,
): Promise<EntryChange[]> {
  const results: EntryChange[] = [];
  for (const [at, { path, change, oldPath, before, after }] of found.entries()) {
    throwIfCancelled(task);
    const binary = at < probes && ((await isBinary(vault, before)) || (await isBinary(vault, after)));
    const type = (after ?? before)?.type ?? 'file';
    results.push({ path, change, oldPath, type, before: before?.size, after: after?.size, binary });
  }
  return results;
}

async function isBinary(vault: Vault, entry: ComparedEntry | undefined): Promise<boolean> {
  if (entry?.type !== 'file' && entry?.type !== 'object') return false;
  if (entry.chunks === undefined && entry.file !== undefined) return isBinaryOnDisk(entry.file);
  if (entry.chunks === undefined || entry.chunks.length === 0) return false;
  const first = entry.chunks.subarray(0, CHUNK_ID_BYTES);
  try {
    const chunk = await reading(vault, async () => vault.reader.readChunk(first, await vault.index()));
    return chunk.subarray(0, PROBE_BYTES).includes(0);
  } catch (error) {
    // Whoever opens it is told; everything else can be shown.
    if (isDamage(error)) return false;
    throw error;
  }
}

/** What cannot be read any more is shown by nobody. */
async function isBinaryOnDisk(file: string): Promise<boolean> {
  try {
    const handle = await openForReading(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(PROBE_BYTES), 0, PROBE_BYTES, 0);
      return buffer.subarray(0, bytesRead).includes(0);
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}
