import { closeSync, constants, openSync, statSync } from 'node:fs';
import { systemPath } from './name.ts';
import type { Trouble } from './trouble.ts';

/**
 * A root's folder, held while it is read: where it is moved, replaced or unmounted meanwhile, everything in it seems deleted,
 * and a backup would be smaller without a word. Some file systems number a folder anew unless somebody has it open.
 */
export class HeldRoot implements Disposable {
  readonly #directory: string;
  readonly #descriptor: number | undefined;
  readonly #identity: string | undefined;

  /** @param directory absolute; one that is not there is found to be as it was */
  constructor(directory: string) {
    this.#directory = directory;
    this.#descriptor = openDirectory(directory);
    this.#identity = identityOf(directory);
  }

  /** What has become of the folder; undefined while it is where it was. */
  get trouble(): Trouble | undefined {
    if (this.#identity === undefined || identityOf(this.#directory) === this.#identity) return undefined;
    return {
      code: 'root-missing',
      message: `The folder ${this.#directory} was moved, replaced or unmounted while it was read, so files are missing.`,
      incomplete: true,
    };
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** Undefined also where the system opens no folders, as Windows. */
function openDirectory(path: string): number | undefined {
  try {
    return openSync(systemPath(path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    // Whoever reads it says why it cannot be read.
    return undefined;
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(systemPath(path), { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
