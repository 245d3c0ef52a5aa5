import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';

let gentleWorks = 0;
let usual: number | undefined;

/**
 * Runs work the user does not wait for below everything they do. Systems let a process lower its priority, not
 * always raise it again: then it stays gentle until it ends.
 */
export async function atLowPriority<T>(work: () => Promise<T>): Promise<T> {
  if (gentleWorks++ === 0) {
    usual ??= os.getPriority();
    lower();
  }
  try {
    return await work();
  } finally {
    if (--gentleWorks === 0) raise();
  }
}

/**
 * Starts a process at the priority this one had before its gentle work, which what it leaves running keeps. Where the system
 * does not let a priority be raised, only the disk's is.
 */
export function atUsualPriority<T>(start: () => T): T {
  if (usual === undefined) return start();
  raise();
  try {
    return start();
  } finally {
    if (gentleWorks > 0) lower();
  }
}

function lower(): void {
  setPriority(os.constants.priority.PRIORITY_LOW);
  setDiskClass('3');
}

function raise(): void {
  setPriority(usual ?? 0);
  setDiskClass('0');
}

function setPriority(priority: number): void {
  for (const thread of threads()) {
    try {
      os.setPriority(thread, priority);
    } catch {
      // Not allowed, or the thread has ended meanwhile: a matter of comfort only.
    }
  }
}

/** Where Linux has `ionice`: 3 gets the disk when nobody else wants it, 0 as its CPU priority says. */
function setDiskClass(diskClass: '0' | '3'): void {
  if (process.platform !== 'linux') return;
  // What cannot be done is a matter of comfort only.
  spawnSync('ionice', ['-c', diskClass, '-t', '-p', ...threads().map(String)], { stdio: 'ignore' });
}

/** Linux keeps a priority for every thread; elsewhere it is the process's (0: this one). */
function threads(): readonly number[] {
  if (process.platform !== 'linux') return [0];
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
