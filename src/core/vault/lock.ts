import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import { type Storage, StorageError, type StoredObject } from '../storage/storage.ts';
import { throwIfCancelled, type Task } from '../task.ts';
import { VaultError } from './error.ts';
import { commonTo, type Over, VAULT } from './lock-over.ts';
import { ownSystem } from './system.ts';

/** Many may share a vault; who removes or rewrites has it alone. */
export type LockKind = 'shared' | 'exclusive';

interface LockFile {
  readonly kind: LockKind;
  readonly host: string;
  /** Where the process id counts; empty where that cannot be told. */
  readonly system: string;
  readonly pid: number;
  readonly purpose: string;
  readonly since: string;
  readonly nonce: string;
  /** See {@link LockOptions.over}. */
  readonly over?: Over;
  /** The lock's name, when it cannot be read. */
  readonly damaged?: string;
}

export interface LockOptions {
  /** How long to wait for others, in milliseconds. */
  readonly waitMs?: number;
  /** What the holder is doing, for the message others get. */
  readonly purpose: string;
  /** What is locked; locks over other things do not stand against it. */
  readonly over?: Over;
}

const REFRESH_MS = 60_000;
/** A lock not refreshed for so long belongs to nobody; its holder finds it gone and stops. */
const STALE_MS = 15 * 60_000;
const RETRY_MS = 200;
const NAME_DIGITS = 32;
const UNREADABLE: LockFile = {
  kind: 'exclusive',
  host: '',
  system: '',
  pid: 0,
  purpose: '',
  since: '',
  nonce: '',
};

/** A lock held on a vault; dispose of it to let others in. */
export interface VaultLock extends AsyncDisposable {
  /**
   * Call before what cannot be taken back.
   * @throws {VaultError} `locked` when the lock was taken away, as happens to a machine that slept too long.
   */
  assertHeld(): Promise<void>;
}

class WrittenLock implements VaultLock {
  readonly #storage: Storage;
  readonly #name: string;
  readonly #subject: string;
  readonly #timer: NodeJS.Timeout;
  #refreshing: Promise<void> = Promise.resolve();
  #refreshedAt = Date.now();
  #lost = false;

  constructor(storage: Storage, name: string, content: Buffer, subject: string) {
    this.#storage = storage;
    this.#name = name;
    this.#subject = subject;
    this.#timer = setInterval(() => {
      this.#refreshing = this.#refreshing.then(async () => this.#refresh(content));
    }, REFRESH_MS);
    this.#timer.unref();
  }

  async #refresh(content: Buffer): Promise<void> {
    try {
      if (await this.#isTaken()) return;
      const at = Date.now();
      await this.#storage.write(this.#name, [content]);
      this.#refreshedAt = at;
    } catch {
      // The next refresh tries again; a lock that ages past the limit is noticed by assertHeld.
    }
  }

  /** Once it was due to be taken it counts as taken: writing it again would put it beside its successor. */
  async #isTaken(): Promise<boolean> {
    this.#lost ||=
      Date.now() - this.#refreshedAt > STALE_MS || (await this.#storage.size(this.#name)) === undefined;
    return this.#lost;
  }

  async assertHeld(): Promise<void> {
    if (!(await this.#isTaken())) return;
    throw new VaultError(
      'locked',
      `${this.#subject} was taken over by another process while this one did not answer.`,
      { hint: 'Nothing is lost; run it again.' },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
    await this.#storage.remove(this.#name);
  }
}

/**
 * Takes a lock: writes a file of its own, then looks whether another stands against it. Locks of dead processes of this
 * system, and those long not refreshed, are removed.
 * @throws {VaultError} `locked`, naming who holds it.
 */
export async function lockVault(
  storage: Storage,
  kind: LockKind,
  options: LockOptions,
  task: Task = {},
): Promise<VaultLock> {
  const { purpose, over } = options;
  const content: LockFile = {
    kind,
    host: hostname(),
    system: ownSystem(),
    pid: process.pid,
    purpose,
    since: new Date().toISOString(),
    nonce: randomBytes(12).toString('hex'),
    ...(over === undefined ? {} : { over }),
  };
  const bytes = Buffer.from(JSON.stringify(content));
  const name = lockName(bytes);
  const until = Date.now() + (options.waitMs ?? 0);
  for (;;) {
    throwIfCancelled(task);
    let other: LockFile | undefined;
    try {
      await storage.create(name, bytes);
      other = await findOpponent(storage, content, name);
    } catch (error) {
      await storage.remove(name).catch(() => undefined);
      throw error;
    }
    if (other === undefined) return new WrittenLock(storage, name, bytes, over?.[0] ?? VAULT);
    await storage.remove(name);
    if (Date.now() >= until) throw locked(other, over);
    // Two that meet step back for different times, so that one of them gets through.
    await delay(RETRY_MS * (0.5 + Math.random()));
  }
}

/** Of what cannot be written to: there is nothing to give back, and nothing to be lost. */
const UNWRITTEN: VaultLock = {
  assertHeld: async () => Promise.resolve(),
  [Symbol.asyncDispose]: async () => Promise.resolve(),
};

/**
 * Takes a shared lock for what only reads. A vault that cannot be written to is read without one, unless another has it
 * alone: it can hardly be pruned from here either.
 * @throws {VaultError} `locked`, naming who holds it.
 */
export async function lockForReading(
  storage: Storage,
  options: LockOptions,
  task: Task = {},
): Promise<VaultLock> {
  const until = Date.now() + (options.waitMs ?? 0);
  try {
    return await lockVault(storage, 'shared', options, task);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
  for (;;) {
    throwIfCancelled(task);
    const other = (await standingLocks(storage)).find(
      (lock) => lock.kind === 'exclusive' && commonTo(options.over, lock.over) !== undefined,
    );
    if (other === undefined) return UNWRITTEN;
    if (Date.now() >= until) throw locked(other, options.over);
    await delay(RETRY_MS);
  }
}

/** Whether a storage failed because it takes no more: it is full, read-only, or somebody else’s. */
export function isUnwritable(error: unknown): error is StorageError {
  return error instanceof StorageError && (error.code === 'permission' || error.code === 'no-space');
}

function locked(by: LockFile, over: Over): VaultError {
  const minutes = STALE_MS / 60_000;
  const what = commonTo(over, by.over) ?? VAULT;
  if (by.damaged !== undefined) {
    return new VaultError(
      'locked',
      `${what} is in use: by whom cannot be told, because ${by.damaged} is damaged.`,
      { hint: `A lock that nobody renews is removed after ${minutes} minutes; try again then.` },
    );
  }
  const who = by.host === hostname() ? `process ${by.pid}` : `process ${by.pid} on ${by.host}`;
  const wait = 'Wait until it is done, then try again.';
  const killed = `If it was killed, its lock is removed after ${minutes} minutes.`;
  return new VaultError(
    'locked',
    `${what} is in use: ${who} has been busy with ${by.purpose} since ${by.since}.`,
    { hint: isOfThisSystem(by) ? wait : `${wait} ${killed}` },
  );
}

/** A lock is named by its content: damage must not make it look like the lock of a dead process. */
function lockName(bytes: Buffer): string {
  return `locks/${createHash('sha256').update(bytes).digest('hex').slice(0, NAME_DIGITS)}.json`;
}

async function findOpponent(
  storage: Storage,
  { kind, over }: LockFile,
  own: string,
): Promise<LockFile | undefined> {
  const objects = await storage.list('locks');
  // The storage may have a clock of its own, which the lock just written tells. What is old by one clock only may be
  // held by somebody at work.
  const writtenAt = objects.find(({ name }) => name === own)?.modifiedMs ?? -Infinity;
  const now = Math.min(writtenAt, Date.now());
  for (const object of objects) {
    if (object.name === own) continue;
    const lock = await readLock(storage, object);
    if (lock === undefined) continue;
    if (isStale(lock, object, now)) await storage.remove(object.name);
    else if (kind === 'shared' && lock.kind === 'shared') continue;
    else if (commonTo(over, lock.over) !== undefined) return lock;
  }
  return undefined;
}

/** What those who hold locks on a vault are doing, in the words they were given. */
export async function lockPurposes(storage: Storage): Promise<string[]> {
  return (await standingLocks(storage)).map(({ purpose }) => purpose);
}

/** Locks of those who are at work, as far as this machine's clock can tell. */
async function standingLocks(storage: Storage): Promise<LockFile[]> {
  const standing: LockFile[] = [];
  for (const object of await storage.list('locks')) {
    const lock = await readLock(storage, object);
    if (lock !== undefined && !isStale(lock, object, Date.now())) standing.push(lock);
  }
  return standing;
}

async function readLock(storage: Storage, object: StoredObject): Promise<LockFile | undefined> {
  let bytes: Buffer;
  try {
    bytes = await storage.read(object.name);
  } catch (error) {
    if ((await storage.size(object.name)) === undefined) return undefined;
    throw error;
  }
  // A damaged lock is still somebody's, until it is old.
  if (lockName(bytes) === object.name) return JSON.parse(bytes.toString()) as LockFile;
  return { ...UNREADABLE, damaged: object.name };
}

/** @param now in milliseconds since 1970, by the clock that the object's time is of */
function isStale(lock: LockFile, { modifiedMs }: StoredObject, now: number): boolean {
  if (now - modifiedMs > STALE_MS) return true;
  return isOfThisSystem(lock) && lock.pid !== process.pid && !isAlive(lock.pid);
}

/** Whether a lock is of where this process can ask what became of its holder. */
function isOfThisSystem({ host, system, over }: LockFile): boolean {
  if (system !== ownSystem()) return false;
  const isOfThisHost = host === hostname();
  // What is not of the vault is locked beside the user’s own data, which no two machines of one name share, and no two
  // that were cloned as they ran.
  return over === undefined ? isOfThisHost && system !== '' : isOfThisHost || system !== '';
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
