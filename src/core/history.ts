import { createHash } from 'node:crypto';
import path from 'node:path';
import { CancelledError, CrmBackupError } from './errors.ts';
import { bringUpToDate, canBeWhole, type Chain, chainOf, dropForgotten } from './history/chain.ts';
import { HistoryError } from './history/error.ts';
import { HistoryRepository } from './history/repository.ts';
import { cacheOf, type Surroundings } from './surroundings.ts';
import type { Task } from './task.ts';
import type { BackupRecord } from './vault/record.ts';
import type { Vault } from './vault/vault.ts';

/** A new number begins a new repository: what is mirrored, and how, has changed. */
const FORMAT = 3;
const NAME_DIGITS = 16;
const WAIT_FOR_READER_MS = 30_000;
const WAIT_FOR_WRITER_MS = 120_000;

/** The history of a set, brought up to date and held while it is read. */
export interface OpenHistory extends Chain {
  readonly repository: HistoryRepository;
  /** The backups, newest first. */
  readonly records: readonly BackupRecord[];
}

/** The repository of a set's history, which need not exist yet. */
export function historyOf(
  surroundings: Surroundings,
  { id }: Pick<Vault, 'id'>,
  set: string,
): HistoryRepository {
  const name = createHash('sha256').update(`${FORMAT} ${id} ${set}`).digest('hex').slice(0, NAME_DIGITS);
  return new HistoryRepository(path.join(cacheOf(surroundings), 'history', name));
}

/**
 * Reads the history of a set's backups, which is brought up to date first; a repository that git says is broken is made
 * anew, once. Cancelling leaves it as it was.
 * @param newestFirst all backups of the set
 * @throws {HistoryError} `no-git`, `git-failed`, `broken`, `busy`, `unusable`. {CancelledError}
 */
export async function withHistory<T>(
  repository: HistoryRepository,
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  task: Task,
  read: (history: OpenHistory) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(repository, vault, newestFirst, task, read);
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== 'broken' || attempt > 1) throw error;
      await using _lock = await repository.lock('exclusive', WAIT_FOR_WRITER_MS, task);
      await repository.remove();
    }
  }
}

/**
 * Takes forgotten backups out of the histories of a vault's sets, where there are any, so that their text does not outlive
 * them; where git cannot do that, the whole history goes. One that another process is using does the same at its next use.
 * @param sets names of sets that may have no backup any more
 * @throws {CancelledError}
 */
export async function dropForgottenHistory(
  surroundings: Surroundings,
  vault: Vault,
  sets: readonly string[],
  task: Task,
): Promise<void> {
  const { records } = await vault.records();
  for (const set of new Set([...sets, ...records.map((record) => record.set)])) {
    const repository = historyOf(surroundings, vault, set);
    if (!(await repository.exists())) continue;
    const ofSet = records.filter((record) => record.set === set);
    try {
      await using _lock = await repository.lock('exclusive', WAIT_FOR_READER_MS, task);
      try {
        await dropForgotten(repository, vault, ofSet, task);
      } catch (error) {
        if (!(error instanceof CrmBackupError) || error instanceof CancelledError) throw error;
        // What cannot be taken out goes with all the rest.
        await repository.remove();
      }
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
    }
  }
}

async function readOnce<T>(
  repository: HistoryRepository,
  vault: Vault,
  records: readonly BackupRecord[],
  task: Task,
  read: (history: OpenHistory) => Promise<T>,
): Promise<T> {
  {
    await using _lock = await repository.lock('shared', WAIT_FOR_WRITER_MS, task);
    await repository.provide();
    const chain = await upToDate(repository, vault, records, task);
    if (chain !== undefined) return await read({ repository, records, ...chain });
  }
  await using _lock = await repository.lock('exclusive', WAIT_FOR_READER_MS, task);
  await repository.provide();
  let chain = await upToDate(repository, vault, records, task);
  if (chain === undefined) {
    await bringUpToDate(repository, vault, records, task);
    chain = await chainOf(repository, records, task);
  }
  if (chain === undefined) throw new HistoryError('broken', 'The history could not be brought up to date.');
  return await read({ repository, records, ...chain });
}

/** The branch, unless it has to be written: other backups are there, or what was lost of them is back. */
async function upToDate(
  repository: HistoryRepository,
  vault: Vault,
  records: readonly BackupRecord[],
  task: Task,
): Promise<Chain | undefined> {
  const chain = await chainOf(repository, records, task);
  return chain === undefined || (await canBeWhole(vault, chain)) ? undefined : chain;
}
