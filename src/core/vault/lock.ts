import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import type { Storage, StoredObject } from '../storage/storage.ts';
import { throwIfCancelled, type Task } from '../task.ts';
import { VaultError } from './error.ts';

/** Many may share a vault; who removes or rewrites has it alone. */
export type LockKind = 'shared' | 'exclusive';

interface LockFile {
  readonly kind: LockKind;
  readonly host: string;
  readonly pid: number;
  readonly purpose: string;
  readonly since: string;
}

export interface LockOptions {
  /** How long to wait for others, in milliseconds. */
  readonly waitMs?: number;
  /** What the holder is doing, for the message others get. */
  readonly purpose: string;
}

const REFRESH_MS = 60_000;
/** A lock not refreshed for so long belongs to nobody; its holder finds it gone and stops. */
const STALE_MS = 15 * 60_000;
const RETRY_MS = 200;

/** A lock held on a vault; dispose of it to let others in. */
export class VaultLock implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #name: string;
  readonly #timer: NodeJS.Timeout;
  #refreshing: Promise<void> = Promise.resolve();
  #lost = false;

  constructor(storage: Storage, name: string, content: Buffer) {
    this.#storage = storage;
    this.#name = name;
    this.#timer = setInterval(() => {
      this.#refreshing = this.#refresh(content);
    }, REFRESH_MS);
    this.#timer.unref();
  }

  async #refresh(content: Buffer): Promise<void> {
    try {
      if ((await this.#storage.size(this.#name)) === undefined) this.#lost = true;
      else await this.#storage.write(this.#name, [content]);
    } catch {
      // The next refresh tries again; a lock that ages past the limit is noticed by assertHeld.
    }
  }

  /**
   * Call before what cannot be taken back.
   * @throws {VaultError} `locked` when the lock was taken away, as happens to a machine that slept too long.
   */
  async assertHeld(): Promise<void> {
    if (this.#lost || (await this.#storage.size(this.#name)) === undefined) {
      throw new VaultError(
        'locked',
        'The vault was taken over by another process while this one did not answer.',
        {
          hint: 'Nothing is lost; run it again.',
        },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
    await this.#storage.remove(this.#name);
  }
}

/**
 * Takes a lock: writes a file of its own, then looks whether another stands against it. Locks of dead processes of this
 * machine, and those long not refreshed, are removed.
 * @throws {VaultError} `locked`, naming who holds it.
 */
export async function lockVault(
  storage: Storage,
  kind: LockKind,
  options: LockOptions,
  task: Task = {},
): Promise<VaultLock> {
  const content: LockFile = {
    kind,
    host: hostname(),
    pid: process.pid,
    purpose: options.purpose,
    since: new Date().toISOString(),
  };
  const bytes = Buffer.from(JSON.stringify(content));
  const name = `locks/${randomBytes(12).toString('hex')}.json`;
  const until = Date.now() + (options.waitMs ?? 0);
  for (;;) {
    throwIfCancelled(task);
    await storage.create(name, bytes);
    let other: LockFile | undefined;
    try {
      other = await findOpponent(storage, kind, name);
    } catch (error) {
      await storage.remove(name);
      throw error;
    }
    if (other === undefined) return new VaultLock(storage, name, bytes);
    await storage.remove(name);
    if (Date.now() >= until) {
      const who =
        other.host === hostname() ? `process ${other.pid}` : `process ${other.pid} on ${other.host}`;
      throw new VaultError(
        'locked',
        `The vault is in use: ${who} has been busy with ${other.purpose} since ${other.since}.`,
        {
          hint: 'Wait until it is done, then try again.',
        },
      );
    }
    // Two that meet step back for different times, so that one of them gets through.
    await delay(RETRY_MS * (0.5 + Math.random()));
  }
}

async function findOpponent(storage: Storage, kind: LockKind, own: string): Promise<LockFile | undefined> {
  for (const object of await storage.list('locks')) {
    if (object.name === own) continue;
    const lock = await readLock(storage, object);
    if (lock === undefined) continue;
    if (isStale(lock, object)) await storage.remove(object.name);
    else if (kind === 'exclusive' || lock.kind === 'exclusive') return lock;
  }
  return undefined;
}

async function readLock(storage: Storage, object: StoredObject): Promise<LockFile | undefined> {
  let text: string;
  try {
    text = (await storage.read(object.name)).toString();
  } catch (error) {
    if ((await storage.size(object.name)) === undefined) return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as LockFile;
  } catch {
    // Half a lock is still somebody's, until it is old.
    return { kind: 'exclusive', host: '', pid: 0, purpose: 'something unknown', since: 'an unknown time' };
  }
}

function isStale(lock: LockFile, object: StoredObject): boolean {
  if (Date.now() - object.modifiedMs > STALE_MS) return true;
  return lock.host === hostname() && lock.pid !== process.pid && !isAlive(lock.pid);
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
