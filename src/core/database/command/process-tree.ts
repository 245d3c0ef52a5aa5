import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const GRACE_MS = 3000;
/** How long outputs may be held open by what is left of a tree that was ended. */
const HELD_MS = 1000;

/**
 * Ends a process and all it has started: asks first, and makes it when it does not listen. The process must lead a group
 * of its own (`detached`), but for Windows.
 */
export function endTree(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true });
    return;
  }
  signalGroup(pid, 'SIGTERM');
  const insist = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
  child.once('exit', () => {
    clearTimeout(insist);
    signalGroup(pid, 'SIGKILL');
    const release = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, HELD_MS);
    child.once('close', () => clearTimeout(release));
  });
}

/** Ends a process and all it has started, at once: this process ends itself. */
export function killTree({ pid }: ChildProcess): void {
  if (pid !== undefined && process.platform !== 'win32') signalGroup(pid, 'SIGKILL');
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nothing of it is left.
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
