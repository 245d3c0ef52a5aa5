import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import { removeAbandoned } from '../abandoned.ts';
import { DatabaseError } from '../error.ts';

const PREFIX = 'crm-backup-sqlite-';
/** What a disk should have left besides. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** A folder that only this user may look into. Disposing removes it with all that is in it. */
export interface Scratch extends Disposable {
  readonly folder: string;
}

/**
 * Makes a folder on a disk that has room: among the temporary files, else beside the database, where no backup takes it.
 * What a killed process has left there is removed.
 * @param name the database’s file, for messages
 * @throws {DatabaseError} `no-space`.
 */
export function makeScratch(bytes: number, beside: string, name: string): Scratch {
  const temporary = tmpdir();
  removeAbandoned(temporary, PREFIX);
  for (const [parent, prefix] of [
    [temporary, PREFIX],
    [beside, `.crm-backup-database-`],
  ] as const) {
    if (!hasRoom(parent, bytes)) continue;
    try {
      const folder = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
      return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
  throw new DatabaseError(
    'no-space',
    `There is no room for a copy of ${name}: neither in ${temporary} nor beside it.`,
    {
      hint: 'Free some space, or let TMPDIR name a folder on another disk.',
    },
  );
}

function hasRoom(folder: string, bytes: number): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= bytes + SPARE_BYTES;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
