import { findCollisions } from '../path/collisions.ts';
import { checkRestorePath } from '../path/restore-path.ts';
import type { Entry } from '../vault/entry.ts';
import { RestoreError } from './error.ts';
import type { LiveStat } from './live-tree.ts';

/** What must hold of a root before anything of it is restored. */
export class PlanChecks {
  /** `files/<name>`. */
  readonly #root: string;
  readonly #platform: NodeJS.Platform;
  readonly #device: bigint | undefined;
  /** All paths, where the platform makes some of them one. */
  readonly #paths: string[] | undefined;

  /** @param device The file system the root stands on, if there is one. */
  constructor(root: string, platform: NodeJS.Platform, device: bigint | undefined) {
    this.#root = root;
    this.#platform = platform;
    this.#device = device;
    this.#paths = platform === 'win32' || platform === 'darwin' ? [] : undefined;
  }

  /** @throws {RestoreError} `hostile-path`, `unsupported-name` */
  check(entry: Pick<Entry, 'path' | 'type'>, path: string): void {
    if (entry.type === 'table' || entry.type === 'object') throw hostilePath(entry.path, 'It is not a file.');
    // The folders on the way were checked when they came.
    const fault = checkRestorePath(path.slice(path.lastIndexOf('/') + 1), this.#platform);
    if (fault?.hostile) throw hostilePath(entry.path, fault.message);
    if (fault !== undefined) {
      throw new RestoreError('unsupported-name', `${entry.path} cannot be restored here: ${fault.message}`, {
        hint: 'Restore other paths of the backup one by one, or restore it on the system it was taken on.',
      });
    }
    this.#paths?.push(path);
  }

  /** To be called when all paths were checked. @throws {RestoreError} `unsupported-name` */
  refuseCollisions(): void {
    const [collision] = findCollisions(this.#paths ?? [], this.#platform);
    if (collision === undefined) return;
    const names = collision.map((path) => `${this.#root}/${path}`).join(' and ');
    throw new RestoreError('unsupported-name', `${names} would be one and the same file on this system.`, {
      hint: 'Restore one of them alone, by its path.',
    });
  }

  /** Moves go from one place of a disk to another of the same disk. @throws {RestoreError} `other-file-system` */
  mustBeOnDisk(path: string, live: LiveStat | undefined): void {
    if (live === undefined || live.device === this.#device) return;
    throw new RestoreError(
      'other-file-system',
      `${path === '' ? this.#root : `${this.#root}/${path}`} cannot be restored: another file system is mounted there now.`,
      { hint: 'Unmount it, or restore with --to another folder.' },
    );
  }
}

/** A path no backup of ours would hold. */
export function hostilePath(path: string, why: string): RestoreError {
  return new RestoreError(
    'hostile-path',
    `The backup holds a path that must not be restored, ${path}: ${why}`,
    {
      hint: 'Nothing was changed. This is not a backup CRM Backup makes: find out where it comes from.',
    },
  );
}
