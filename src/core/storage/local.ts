import { randomBytes } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import { makeDirectory, placeUnlessTaken, PRIVATE_FILE, syncDirectory, writeAll } from './durable.ts';
import { QuickReads } from './quick-reads.ts';
import { type ByteRange, type Storage, StorageError, type StoredObject } from './storage.ts';

/** The steps of a write, in order. */
export type WriteStep = 'write' | 'sync' | 'place' | 'sync-directory' | 'remove';

/** How a local storage behaves; all of it optional. */
export interface LocalStorageOptions {
  /** Called before each step that changes the disk; what it throws stops the write there. */
  readonly beforeStep?: (step: WriteStep, name: string) => void | Promise<void>;
  /** Whether what is written counts only as long as its process lives, so that a power cut may take it. */
  readonly isPassing?: boolean;
}

/** Objects, and folders at each level, looked at at once. */
const PARALLEL_LOOKS = 32;
/** While looks take less than this, waiting for one costs more than the look. */
const QUICK_LOOK_MS = 0.2;
const LOOKS_AT_ONCE = 64;
const TEMPORARY = 'tmp';
/** Tells one vault from another; it is never changed. */
const CONFIG = 'vault.json';
/** Objects whose removal need not be durable. */
const PASSING = /^(tmp|locks)\//;

/** A vault in a directory of this machine: a write goes to `tmp/`, is flushed, then renamed into place. */
export class LocalStorage implements Storage {
  readonly location: string;
  readonly #beforeStep: NonNullable<LocalStorageOptions['beforeStep']>;
  readonly #isPassing: boolean;
  /** Device and inode of the vault's directory when it was last known to be the vault's. */
  #identity: string | undefined;
  /** The bytes of `vault.json`, as they were first read or last written here. */
  #config: Buffer | undefined;
  readonly #quickReads = new QuickReads();

  constructor(directory: string, options: LocalStorageOptions = {}) {
    this.location = directory;
    this.#beforeStep = options.beforeStep ?? (() => undefined);
    this.#isPassing = options.isPassing ?? false;
  }

  async list(folder: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    await this.#listInto(folder, found);
    return found;
  }

  async #listInto(folder: string, found: StoredObject[]): Promise<void> {
    const directory = join(this.location, folder);
    let names;
    try {
      names = await readdir(directory, { withFileTypes: true });
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw this.#failure(`list ${folder}`, error);
      await this.#assertNotVanished(`list ${folder}`);
      return;
    }
    // Ten thousand questions at once take the memory of all their answers, and longer.
    let next = 0;
    let isQuick = true;
    const lane = async (): Promise<void> => {
      let looks = 0;
      let began = performance.now();
      for (let item = names[next++]; item !== undefined; item = names[next++]) {
        const name = `${folder}/${item.name}`;
        if (item.isDirectory()) {
          await this.#listInto(name, found);
          continue;
        }
        const stats = (isQuick ? this.#statNow(name) : undefined) ?? (await this.#stat(name));
        if (stats?.isFile()) found.push({ name, bytes: stats.size, modifiedMs: stats.mtimeMs });
        if (isQuick && ++looks % LOOKS_AT_ONCE === 0) {
          isQuick = performance.now() - began < LOOKS_AT_ONCE * QUICK_LOOK_MS;
          await setImmediate();
          began = performance.now();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_LOOKS, names.length) }, lane));
  }

  /** A look here and now; undefined where more has to be said or found out. */
  #statNow(name: string): Stats | undefined {
    if (this.#identity === undefined) return undefined;
    try {
      return statSync(join(this.location, name), { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }

  async #stat(name: string): Promise<Stats | undefined> {
    try {
      const stats = await stat(join(this.location, name));
      if (this.#identity === undefined) await this.#assertNotVanished(`look at ${name}`);
      return stats;
    } catch (error) {
      if (error instanceof StorageError) throw error;
      if (systemCode(error) !== 'ENOENT') throw this.#failure(`look at ${name}`, error);
      await this.#assertNotVanished(`look at ${name}`);
      return undefined;
    }
  }

  async size(name: string): Promise<number | undefined> {
    return (await this.#stat(name))?.size;
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    // Not before the folder has answered: one that is gone may take a minute to say so.
    const isNear = range !== undefined && this.#identity !== undefined;
    const part = isNear ? this.#quickReads.read(join(this.location, name), range) : undefined;
    if (part === undefined) return this.#readElsewhere(name, range);
    // Who reads one part after the other must not keep a request to stop from being heard.
    await setImmediate();
    return part;
  }

  /** Leaves the reading to another thread. */
  async #readElsewhere(name: string, range: ByteRange | undefined): Promise<Buffer> {
    let file: FileHandle | undefined;
    try {
      file = await open(join(this.location, name), 'r');
      const offset = range?.offset ?? 0;
      const length = range?.length ?? (await file.stat()).size;
      const bytes = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) {
          throw new StorageError('truncated', `${this.location}: ${name} is shorter than it should be.`);
        }
        filled += bytesRead;
      }
      if (name === CONFIG && range === undefined) this.#config ??= Buffer.from(bytes);
      return bytes;
    } catch (error) {
      if (error instanceof StorageError) throw error;
      if (systemCode(error) === 'ENOENT') await this.#assertNotVanished(`read ${name}`);
      throw this.#failure(`read ${name}`, error);
    } finally {
      await file?.close();
    }
  }

  async write(name: string, parts: readonly Uint8Array[]): Promise<void> {
    await this.#place(name, parts, async (temporary, target) => {
      await rename(temporary, target);
      return true;
    });
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#place(name, [bytes], async (temporary, target) => {
      const placed = await placeUnlessTaken(temporary, target);
      await unlink(temporary).catch(() => undefined);
      return placed;
    });
  }

  async #place(
    name: string,
    parts: readonly Uint8Array[],
    place: (temporary: string, target: string) => Promise<boolean>,
  ): Promise<boolean> {
    const target = join(this.location, name);
    const temporary = join(this.location, TEMPORARY, randomBytes(12).toString('hex'));
    try {
      await this.#beforeStep('write', name);
      const file = await this.#openTemporary(temporary);
      try {
        await writeAll(file, parts);
        await this.#beforeStep('sync', name);
        if (!this.#isPassing) await file.sync();
      } finally {
        await file.close();
      }
      await this.#beforeStep('place', name);
      const placed = await this.#inDirectory(target, () => place(temporary, target));
      await this.#beforeStep('sync-directory', name);
      if (!this.#isPassing) await syncDirectory(dirname(target));
      if (placed && name === CONFIG) this.#config = Buffer.concat(parts);
      return placed;
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      if (systemCode(error) === undefined) throw error;
      throw this.#failure(`write ${name}`, error);
    }
  }

  async #openTemporary(path: string): Promise<FileHandle> {
    const create = (): Promise<FileHandle> => open(path, 'wx', PRIVATE_FILE);
    return this.#inDirectory(path, create);
  }

  /** Runs an action that needs the directory of `path`, making the directory only when it turns out missing. */
  async #inDirectory<T>(path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      await this.#assertNotVanished('write');
      await makeDirectory(dirname(path));
      await this.#assertNotVanished('write');
      return action();
    }
  }

  /**
   * A disk that was unplugged leaves its mount point behind: the vault must not begin anew there.
   * @throws {StorageError} `unreachable` when the vault's directory was seen before and is not there now.
   */
  async #assertNotVanished(what: string): Promise<void> {
    const found = await stat(this.location).catch(() => undefined);
    const identity = found === undefined ? undefined : `${found.dev}:${found.ino}`;
    const isOther = this.#identity !== undefined && identity !== this.#identity;
    if (isOther && (identity === undefined || !(await this.#hasConfig()))) {
      throw new StorageError(
        'unreachable',
        `${this.location}: could not ${what}: the vault’s directory has vanished.`,
        { hint: 'Check that its disk is connected and mounted, then try again; finished backups are safe.' },
      );
    }
    this.#identity = identity;
  }

  /** FAT, a network disk or one that was plugged in again may give the vault's directory another inode. */
  async #hasConfig(): Promise<boolean> {
    const found = await readFile(join(this.location, CONFIG)).catch(() => undefined);
    return found !== undefined && this.#config?.equals(found) === true;
  }

  async remove(name: string): Promise<void> {
    await this.#beforeStep('remove', name);
    const path = join(this.location, name);
    try {
      await unlink(path);
      // What is removed after this must not be gone while this comes back after a power cut.
      if (!PASSING.test(name)) await syncDirectory(dirname(path));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw this.#failure(`remove ${name}`, error);
    }
  }

  async sweep(ageMs: number): Promise<void> {
    const limit = Date.now() - ageMs;
    for (const object of await this.list(TEMPORARY)) {
      if (object.modifiedMs < limit) await this.remove(object.name);
    }
  }

  #failure(what: string, error: unknown): StorageError {
    const place = this.location;
    switch (systemCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return new StorageError('missing', `${place}: could not ${what}: it is missing.`, { cause: error });
      case 'ENOSPC':
      case 'EDQUOT':
        return new StorageError('no-space', `${place}: could not ${what}: the disk is full.`, {
          cause: error,
          hint: 'Free some space there and try again; finished backups are safe.',
        });
      case 'EACCES':
      case 'EPERM':
        return new StorageError('permission', `${place}: could not ${what}: permission denied.`, {
          cause: error,
          hint: 'Check who owns the vault.',
        });
      case 'EROFS':
        return new StorageError('permission', `${place}: could not ${what}: the disk is mounted read-only.`, {
          cause: error,
          hint: 'Mount it so that it can be written to, then try again; what is on it can be read and restored.',
        });
      case 'EIO':
      case 'ENXIO':
      case 'ENODEV':
      case 'ESTALE':
      case 'ENOTCONN':
        return new StorageError('unreachable', `${place}: could not ${what}: the disk does not answer.`, {
          cause: error,
          hint: 'Check that the disk is still connected, then run “crm-backup verify”.',
        });
      default:
        return new StorageError('storage-failed', `${place}: could not ${what}: ${messageOf(error)}.`, {
          cause: error,
        });
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
