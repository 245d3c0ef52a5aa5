import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { identityOf } from '../database/command/process-tree.ts';
import { systemCode } from '../errors.ts';
import { namesIn } from '../names-in.ts';
import { replaceFile } from '../replace-file.ts';
import { isAlive } from '../vault/lock.ts';
import { isSameBoot, ownSystem } from '../vault/system.ts';

/** Who works on a restore. */
interface Holder {
  readonly host: string;
  /** Where the id counts; see `nameSystem`. */
  readonly system: string;
  readonly pid: number;
  /** See `identityOf`; none where that cannot be told. */
  readonly identity?: string | undefined;
}

/** This process works on a restore; dispose of it to let others. */
export interface Claim extends Disposable {
  /** The directory of the restore's journal. */
  readonly directory: string;
}

const SUFFIX = '.claim';
const REFRESH_MS = 60_000;
/** Of whom nothing can be known but this sign of life is dead after so long. */
const STALE_MS = 15 * 60_000;
const ATTEMPTS = 5;
const STEP_BACK_MS = 20;

/** The claims of this process. */
const own = new Set<string>();

/**
 * Claims a restore for this process; undefined when another one, or this one, has it. Claims stand beside the journals,
 * which may not be there yet, and each has a name of its own: to remove one of the dead can hit no other. Of two
 * processes at once at most one gets it. Throws what the file system throws.
 * @param directory the restore's journal
 */
export function claim(directory: string): Claim | undefined {
  const path = `${directory}.${randomBytes(6).toString('hex')}${SUFFIX}`;
  const { pid } = process;
  const holder: Holder = { host: hostname(), system: ownSystem(), pid, identity: identityOf(pid) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (isClaimed(directory)) return undefined;
    // A power cut that leaves part of it has ended its process, too.
    replaceFile(path, JSON.stringify(holder), false);
    own.add(path);
    if (claimsOf(directory).every((other) => other === path || !isHeld(other))) return held(directory, path);
    drop(path);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_BACK_MS * Math.random());
  }
  return undefined;
}

/** Whether somebody works on a restore. */
export function isClaimed(directory: string): boolean {
  return claimsOf(directory).some(isHeld);
}

/** Removes the claims that processes which died have left in the folder of the journals. */
export function sweepClaims(folder: string): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    // One that was being written has the id of its process at the end.
    const pid = Number(new RegExp(`\\${SUFFIX}\\.(\\d+)$`).exec(name)?.[1]);
    const isDead = pid > 0 ? !isAlive(pid) : name.endsWith(SUFFIX) && !isHeld(path);
    if (isDead) drop(path);
  }
}

function held(directory: string, path: string): Claim {
  const timer = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Who can look for the process needs no sign of life.
    }
  }, REFRESH_MS);
  timer.unref();
  return {
    directory,
    [Symbol.dispose]() {
      clearInterval(timer);
      drop(path);
    },
  };
}

function drop(path: string): void {
  own.delete(path);
  try {
    rmSync(path, { force: true });
  } catch (error) {
    // It counts for nothing any more.
    if (systemCode(error) === undefined) throw error;
  }
}

function claimsOf(directory: string): string[] {
  const folder = dirname(directory);
  const prefix = `${basename(directory)}.`;
  return namesIn(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(SUFFIX))
    .map((name) => join(folder, name));
}

function isHeld(path: string): boolean {
  if (own.has(path)) return true;
  let modifiedMs: number;
  try {
    modifiedMs = statSync(path).mtimeMs;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  const isRecent = Math.abs(Date.now() - modifiedMs) < STALE_MS;
  const holder = readHolder(path);
  if (holder === 'unreadable') return isRecent;
  if (holder === undefined) return false;
  const { host, system, pid, identity } = holder;
  const isOfThisHost = host === hostname();
  if (system === ownSystem() && (isOfThisHost || system !== '')) {
    if (identity !== undefined) return pid !== process.pid && identity === identityOf(pid);
    return pid !== process.pid && isAlive(pid) && isRecent;
  }
  // With this name it is the same machine, which has been started again.
  if (isOfThisHost && !isSameBoot(system, ownSystem())) return false;
  return isRecent;
}

/** Who has a claim; undefined when it is gone, or was cut off. */
function readHolder(path: string): Holder | 'unreadable' | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === undefined) throw error;
    return 'unreadable';
  }
}
