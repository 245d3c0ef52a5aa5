import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import type { RestoreTicket } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import type { Commands } from './commands.ts';

/** A restore that is under way. */
export interface Ticket {
  readonly restoreId: string;
  /** Whether the restore goes on when what is live cannot be saved first. */
  readonly mayLoseLive: boolean;
}

/**
 * Files of a restore, in a folder of the workspace that no backup takes and that only this user may look into. The dump
 * of the backup has the first three names one after the other.
 */
export interface Places {
  readonly folder: string;
  readonly fresh: string;
  readonly applying: string;
  readonly applied: string;
  /** What the database was before, as the dump command wrote it. */
  readonly old: string;
  readonly log: string;
  readonly running: string;
}

/** Where the files of a restore are. */
export function placesOf(
  { name, workspace }: Pick<Commands, 'name' | 'workspace'>,
  { restoreId }: Ticket,
): Places {
  const folder = join(workspace, `.crm-backup-database-${restoreId}-${name}`);
  const place = (file: string): string => join(folder, file);
  return {
    folder,
    fresh: place('new'),
    applying: place('applying'),
    applied: place('applied'),
    old: place('old'),
    log: place('log'),
    running: place('running'),
  };
}

/** A ticket is our own, but it comes from a file. */
export function readTicket(written: RestoreTicket): Ticket {
  const { restoreId, mayLoseLive } = written;
  if (typeof restoreId !== 'string' || !/^[A-Za-z0-9-]+$/.test(restoreId)) {
    throw new RangeError('this ticket is not of a restore by command');
  }
  return { restoreId, mayLoseLive: mayLoseLive === true };
}

/** Makes the folder of a restore. @throws {DatabaseError} `write-failed`. */
export function makeFolder({ folder }: Places): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw diskFailure(folder, error);
  }
}

/** @throws {DatabaseError} `no-space` when a dump of so many bytes has no room twice. */
export function mustHaveRoom({ workspace, name }: Commands, bytes: number): void {
  const { bavail, bsize } = statfsSync(workspace);
  if (bavail * bsize >= 2 * bytes) return;
  const megabytes = (all: number): string => `${Math.ceil(all / 1_000_000)} MB`;
  throw new DatabaseError(
    'no-space',
    `${workspace} has no room for the dumps of “${name}”: they need about ${megabytes(2 * bytes)}, ${megabytes(bavail * bsize)} are free.`,
    { hint: 'Free some space there; nothing was changed.' },
  );
}

/**
 * Writes a file that only this user may read and makes it durable; under its own name it is whole.
 * @throws {DatabaseError} `no-space`, `write-failed`; else what `fill` throws.
 */
export async function writeWhole(
  file: string,
  fill: (write: (block: Buffer) => Promise<void>) => Promise<void>,
): Promise<void> {
  const part = `${file}.part`;
  try {
    rmSync(part, { force: true });
    await using handle = await open(part, 'wx', 0o600);
    await fill(async (block) => {
      for (let at = 0; at < block.length;) at += (await handle.write(block, at)).bytesWritten;
    });
    await handle.sync();
  } catch (error) {
    rmSync(part, { force: true });
    throw diskFailure(file, error);
  }
  renameSync(part, file);
}

/** Removes the files of a restore. */
export function removeFolder({ folder }: Places): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Who the restore command is that was running when this was last written; undefined when none was. */
export function readMark({ running }: Places): string | undefined {
  return existsSync(running) ? readFileSync(running, 'utf8') : undefined;
}

function diskFailure(file: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DatabaseError('no-space', `There is no space left for ${file}.`, {
      cause: error,
      hint: 'Free some space there; nothing was changed.',
    });
  }
  return new DatabaseError('write-failed', `${file} cannot be written: the system says ${code}.`, {
    cause: error,
    hint: 'Check the permissions of the workspace; nothing was changed.',
  });
}
