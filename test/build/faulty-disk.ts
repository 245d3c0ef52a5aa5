import { appendFileSync, writeFileSync, writeSync } from 'node:fs';
import { nodeDisk, type RestoreDisk } from '../../src/core/restore/disk.ts';

/** Stands for the death of the process: thrown by every step from a certain one on. */
export class Killed extends Error {}

/** A disk that counts its steps and asks before each one. */
function watchedDisk(before: (step: keyof RestoreDisk, args: readonly unknown[]) => void): RestoreDisk {
  const steps = Object.entries(nodeDisk()) as [keyof RestoreDisk, (...args: unknown[]) => unknown][];
  const watched = steps.map(([step, work]) => [
    step,
    (...args: unknown[]) => {
      before(step, args);
      return work(...args);
    },
  ]);
  return Object.fromEntries(watched) as RestoreDisk;
}

/** A disk that works, and tells how many steps it took. */
export function countingDisk(): { readonly disk: RestoreDisk; readonly steps: (keyof RestoreDisk)[] } {
  const steps: (keyof RestoreDisk)[] = [];
  return { disk: watchedDisk((step) => void steps.push(step)), steps };
}

/**
 * A disk whose process dies at a step, counted from 0: that step and all after it do nothing. A text that is being
 * written then is cut off in the middle.
 */
export function dyingDisk(at: number): RestoreDisk {
  let steps = 0;
  return watchedDisk((step, args) => {
    if (steps++ < at) return;
    if (steps === at + 1 && step === 'writeText') {
      const [path, text, how] = args as Parameters<RestoreDisk['writeText']>;
      const half = text.slice(0, text.length / 2);
      if (how === 'create') writeFileSync(path, half);
      else appendFileSync(path, half);
    }
    throw new Killed(`killed at step ${at}, ${step}`);
  });
}

/** A disk whose process dies before the first step that is to move something to `path` (its end), or after it. */
export function dyingAt(path: string, when: 'before' | 'after'): RestoreDisk {
  let isMet = false;
  let isDead = false;
  return watchedDisk((step, args) => {
    isDead ||= isMet;
    if (step === 'rename' && String(args[1]).endsWith(path)) {
      isMet = true;
      isDead ||= when === 'before';
    }
    if (isDead) throw new Killed(`killed ${when} ${path} was moved`);
  });
}

/** A disk on which one step, counted from 0, fails with this code of the system. */
export function failingDisk(at: number, code: string): RestoreDisk {
  let steps = 0;
  return watchedDisk((step) => {
    if (steps++ === at) throw Object.assign(new Error(`${code}: ${step}`), { code });
  });
}

/** A disk whose process says “stopped” and stands still before the first step that is to make `path` (its end). */
export function stoppingDisk(path: string): RestoreDisk {
  let isOver = false;
  return watchedDisk((step, args) => {
    const made = step === 'rename' ? args[1] : step === 'makeDirectory' ? args[0] : '';
    if (isOver || typeof made !== 'string' || !made.includes(path)) return;
    isOver = true;
    writeSync(1, 'stopped\n');
    process.kill(process.pid, 'SIGSTOP');
  });
}
