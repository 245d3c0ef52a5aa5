import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** So long the last words of a process that has ended may take to arrive, where something else holds its outputs, too. */
export const LAST_WORDS_MS = 1000;
const GRACE_MS = 3000;
/** How long outputs may be held open by what is left of a tree that was ended. */
const HELD_MS = 1000;

/** A process and all it has started. */
export interface ProcessTree {
  /** Ends all of it: asks first, and after a while makes what does not listen. */
  end(): void;
  /** Ends all of it at once: this process ends itself. */
  kill(): void;
  /** Lets what is left of it be: it is not ended any more. */
  leave(): void;
}

/**
 * The tree of a process that has just been started and leads a group of its own (`detached`), but for Windows. It is there
 * as long as one of it holds the outputs, whether the first process still runs or not.
 */
export function treeOf(child: ChildProcess): ProcessTree {
  const { pid } = child;
  let isOver = pid === undefined;
  let insisting: NodeJS.Timeout | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (pid !== undefined && process.platform !== 'win32') signalGroup(pid, name);
  };
  child.once('close', () => {
    isOver = true;
    if (insisting === undefined) return;
    clearTimeout(insisting);
    signal('SIGKILL');
  });
  const insist = (): void => {
    signal('SIGKILL');
    // What has left the group may still hold the outputs.
    insisting = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, HELD_MS);
  };
  return {
    end() {
      if (isOver || insisting !== undefined) return;
      if (process.platform === 'win32') {
        spawn('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true });
      } else {
        signal('SIGTERM');
      }
      insisting = setTimeout(insist, GRACE_MS);
    },
    kill() {
      if (!isOver) signal('SIGKILL');
    },
    leave() {
      isOver = true;
    },
  };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nothing of it is left.
  }
}

/** How many processes are there that a process has started itself; undefined where that cannot be told. */
export function countChildren(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children === '' ? 0 : children.split(' ').length;
  } catch {
    return undefined;
  }
}

/**
 * Who a process is: its number and when it began, so that another one with the same number is not taken for it.
 * Undefined when there is none, or on Windows.
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isDead = fields[0] === 'Z' || fields[0] === 'X';
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
      return isDead ? undefined : `${pid} ${fields[19]} ${boot}`;
    } catch {
      return undefined;
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 ? `${pid} ${stdout.trim()}` : undefined;
}
