import { changeBetween, type EntryChange } from './compare/change.ts';
import { merge, outermost } from './compare/merge.ts';
import { oneSidedDatabases } from './compare/one-sided.ts';
import type { Problem } from './problem.ts';
import { type Task, throwIfCancelled } from './task.ts';
import { unreadBecause } from './unread.ts';
import { CHUNK_ID_BYTES } from './vault/chunk-id.ts';
import { type ManifestSegment, readSegments } from './vault/manifest.ts';
import { comparePaths, isWithin } from './vault/order.ts';
import type { BackupRecord } from './vault/record.ts';
import type { Vault } from './vault/vault.ts';

/**
 * What differs between two backups of a vault, in order of paths: all of it, or only what stands at or below `paths`.
 * What both have in common is skipped by whole chunks of their manifests, so that comparing costs what changed. Without
 * `from` everything is added. Renames come as a `deleted` and an `added`; `pairRenames` finds them.
 * @throws {VaultError} `damaged`, `missing-chunk`. {CancelledError}
 */
export async function* compareBackups(
  vault: Vault,
  from: Pick<BackupRecord, 'manifest'> | undefined,
  to: Pick<BackupRecord, 'manifest'>,
  paths: readonly string[] = [],
  task: Task = {},
): AsyncGenerator<EntryChange> {
  const before = from?.manifest ?? [];
  const olds = without(before, to.manifest);
  const news = without(to.manifest, before);
  const index = await vault.index();
  const read = (id: Buffer): Promise<Buffer> => vault.reader.readChunk(id, index);
  for (const path of outermost(paths)) {
    const pairs = merge(readSegments(olds, read, path), readSegments(news, read, path));
    let seen = 0;
    for await (const [old, fresh] of pairs) {
      throwIfCancelled(task);
      task.progress?.({ phase: 'compare', done: ++seen, unit: 'files' });
      const change = changeBetween(old, fresh);
      if (change !== undefined) yield change;
    }
  }
}

/**
 * As {@link compareBackups}. What one of the backups could not read is reported: what the later one lacks of it is not told
 * as deleted, and what only the later one has of it is told as added. A database that only one of them has is reported, too,
 * and not compared.
 */
export async function* compareRecords(
  vault: Vault,
  from: BackupRecord | undefined,
  to: BackupRecord,
  paths: readonly string[],
  report: (problem: Problem) => void,
  task: Task = {},
): AsyncGenerator<EntryChange> {
  const told = new Set<Problem>();
  const tell = (problem: Problem, { id }: BackupRecord, consequence: string): void => {
    if (told.has(problem)) return;
    told.add(problem);
    const message = `Backup ${id.slice(0, 8)} could not read it, so ${consequence}. ${problem.message}`;
    report({ ...problem, message });
  };
  const apart = from === undefined ? [] : oneSidedDatabases(from, to).filter(isMeantBy(paths));
  apart.forEach(report);
  for await (const change of compareBackups(vault, from, to, paths, task)) {
    if (apart.some(({ path }) => isWithin(change.path, path))) continue;
    const missingIn = change.change === 'deleted' ? to : change.change === 'added' ? from : undefined;
    const problem = missingIn && unreadBecause(missingIn, change.path);
    if (missingIn === undefined || problem === undefined) yield change;
    else if (missingIn === to) tell(problem, to, 'it may not have been deleted');
    else {
      tell(problem, missingIn, 'it may have been there before');
      yield change;
    }
  }
}

function isMeantBy(paths: readonly string[]): (problem: Problem) => boolean {
  return ({ path }) =>
    paths.length === 0 || paths.some((each) => isWithin(path, each) || isWithin(each, path));
}

/** Segments without the chunks that the others have too: these hold the same entries on both sides. */
function without(
  segments: readonly ManifestSegment[],
  others: readonly ManifestSegment[],
): ManifestSegment[] {
  const common = new Set(others.flatMap(({ chunks }) => [...idsOf(chunks)]));
  const inOrder = [...segments].sort((a, b) => comparePaths(a.root, b.root));
  return inOrder.map((segment) => {
    const keep = [...idsOf(segment.chunks)].map((id) => !common.has(id));
    const ids = keep.flatMap((kept, at) =>
      kept ? [segment.chunks.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES)] : [],
    );
    return {
      ...segment,
      chunks: Buffer.concat(ids),
      firstPaths: segment.firstPaths.filter((_, at) => keep[at]),
    };
  });
}

function* idsOf(chunks: Buffer): Generator<string> {
  for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
    yield chunks.toString('latin1', at, at + CHUNK_ID_BYTES);
  }
}
