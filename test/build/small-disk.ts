import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of its own that can be filled. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Fills it but for so many bytes, until what it returns is disposed. */
  fill(but: number): Disposable;
  /** Lets nobody write to it. */
  makeReadOnly(): void;
}

/** Whether disks may be mounted here; tests skip by name where not. */
export function mayMountDisks(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  using disk = smallDisk(1_000_000);
  return disk !== undefined;
}

/** Mounts a disk of so many bytes in memory; undefined where that is not allowed. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'crm-backup-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  if (status !== 0) {
    rmdirSync(path);
    return undefined;
  }
  // Servers do not run as root.
  chmodSync(path, 0o1777);
  return {
    path,
    fill(but) {
      const { bavail, bsize } = statfsSync(path);
      const file = join(path, 'filling');
      writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - but)));
      return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
    },
    makeReadOnly() {
      execFileSync('mount', ['-o', 'remount,ro', path]);
    },
    [Symbol.dispose]() {
      spawnSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
