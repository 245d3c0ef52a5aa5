import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError } from '../errors.ts';
import { gitIn } from '../git.ts';
import { LocalStorage } from '../storage/local.ts';
import type { Task } from '../task.ts';
import { VaultError } from '../vault/error.ts';
import { type LockKind, lockVault, type VaultLock } from '../vault/lock.ts';
import { HistoryError, historyFailure, placeFailure } from './error.ts';

/** Only for its owner: what it holds is the plain text of what the vault keeps sealed. */
const PRIVATE_DIRECTORY = 0o700;

/** What a comparison needs is kept beside the repository, and no longer than it runs. */
const SCRATCH = 'compared-';
const SCRATCH_AGE_MS = 60 * 60 * 1000;

/** Names differ by every byte, whatever the disk thinks; speed comes before size; nothing runs by itself. */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tbare = true
\tignoreCase = false
\tprecomposeUnicode = false
\tquotePath = true
\tlogAllRefUpdates = false
\tcompression = 1
[gc]
\tauto = 0
[diff]
\trenameLimit = 1000
`;

/** The variables git is run with on a repository: nothing of the user's or the system's configuration counts there. */
export function historyEnvironment(gitDirectory: string): Record<string, string> {
  return {
    GIT_DIR: gitDirectory,
    GIT_CONFIG_NOSYSTEM: '1',
    // Not what Windows calls it: git has this name for it there, too, and refuses the other.
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
  };
}

/** The bare repository a set's backups are mirrored in. Everything in it is derived and may be deleted at any time. */
export class HistoryRepository {
  /** Absolute. */
  readonly directory: string;
  /** Where git keeps it; beside it stand the locks. */
  readonly gitDirectory: string;

  constructor(directory: string) {
    this.directory = directory;
    this.gitDirectory = path.join(directory, 'repository.git');
  }

  /** The variables git is run with. */
  get environment(): Record<string, string> {
    return historyEnvironment(this.gitDirectory);
  }

  /**
   * Takes a lock: shared to read and to add objects, exclusive to move what is there.
   * @throws {HistoryError} `busy` when another process holds it for longer than `waitMs`; `unusable`.
   */
  async lock(kind: LockKind, waitMs: number, task: Task): Promise<VaultLock> {
    try {
      await mkdir(this.directory, { recursive: true, mode: PRIVATE_DIRECTORY });
      const purpose = 'bringing the history up to date';
      return await lockVault(new LocalStorage(this.directory), kind, { purpose, waitMs }, task);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'locked')
        throw placeFailure(this.directory, error);
      throw new HistoryError('busy', 'Another process is working on the history of the backups.', {
        cause: error,
        hint: 'Try again in a moment.',
      });
    }
  }

  /** Whether there is a repository yet. */
  async exists(): Promise<boolean> {
    return (await stat(path.join(this.gitDirectory, 'HEAD')).catch(() => undefined)) !== undefined;
  }

  /** Makes the repository where there is none. Two at once make the same one. @throws {HistoryError} `unusable` */
  async provide(): Promise<void> {
    if (await this.exists()) return;
    const head = path.join(this.gitDirectory, 'HEAD');
    await this.#inPlace(async () => {
      for (const folder of ['objects/pack', 'refs/heads', 'refs/tags']) {
        const made = path.join(this.gitDirectory, folder);
        await mkdir(made, { recursive: true, mode: PRIVATE_DIRECTORY });
      }
      await put(path.join(this.gitDirectory, 'config'), CONFIG);
      // The last: before it git sees no repository.
      await put(head, 'ref: refs/heads/backups\n');
    });
  }

  /**
   * A repository of its own for one comparison: disposing of it removes it, with the contents it was given.
   * @throws {HistoryError} `unusable`
   */
  async scratch(): Promise<HistoryRepository & AsyncDisposable> {
    await this.#inPlace(async () => this.#sweepScratch());
    const name = `${SCRATCH}${process.pid}-${randomBytes(6).toString('hex')}`;
    const scratch = new HistoryRepository(path.join(this.directory, name));
    await scratch.provide();
    return Object.assign(scratch, {
      // What cannot be removed now is swept later.
      [Symbol.asyncDispose]: async () =>
        rm(scratch.directory, { recursive: true, force: true }).catch(() => undefined),
    });
  }

  /** Removes those of processes that were killed long ago. */
  async #sweepScratch(): Promise<void> {
    for (const folder of await namesIn(this.directory, new RegExp(`^${SCRATCH}`))) {
      const modifiedMs = (await stat(folder).catch(() => undefined))?.mtimeMs ?? Date.now();
      if (Date.now() - modifiedMs > SCRATCH_AGE_MS) await rm(folder, { recursive: true, force: true });
    }
  }

  /** Deletes the repository, to begin anew. Needs the exclusive lock. @throws {HistoryError} `unusable` */
  async remove(): Promise<void> {
    await this.#inPlace(async () => rm(this.gitDirectory, { recursive: true, force: true }));
  }

  /** Removes what killed processes have left. Needs the exclusive lock. @throws {HistoryError} `unusable` */
  async sweep(): Promise<void> {
    const packs = path.join(this.gitDirectory, 'objects/pack');
    const left = [
      ...(await namesIn(packs, /^(tmp_|\.tmp-)/)),
      ...(await namesIn(this.gitDirectory, /^(fast_import_crash_|.*\.lock$)/)),
    ];
    await this.#inPlace(async () => {
      for (const file of left) await rm(file, { force: true });
    });
  }

  /** Does what the system may refuse. */
  async #inPlace<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw placeFailure(this.directory, error);
    }
  }

  /**
   * Runs git on the repository and gives what it prints.
   * @param input what it reads
   * @throws {HistoryError} `no-git`, `git-failed`, `broken`. {CancelledError}
   */
  async run(args: readonly string[], { signal }: Task = {}, input?: string): Promise<string> {
    try {
      const git = await gitIn(this.gitDirectory, { signal, environment: this.environment, input });
      return await git.raw([...args]);
    } catch (error) {
      if (signal?.aborted) throw new CancelledError();
      throw historyFailure(error);
    }
  }
}

/** Writes a file so that nobody sees half of it. */
async function put(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}.lock`;
  await writeFile(fresh, text);
  await rename(fresh, file);
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => pattern.test(name)).map((name) => path.join(folder, name));
}
