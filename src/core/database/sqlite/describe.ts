import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseCheck, DatabaseDescription } from '../engine.ts';
import { openToRead } from './open.ts';
import { canBackUp } from './runtime.ts';

/** What a SQLite file is, and whether it can be backed up and restored by this user. */
export async function describeDatabase(file: string, bytes: number): Promise<DatabaseDescription> {
  const connection = openToRead(file);
  let version: string;
  try {
    version = String(connection.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  } finally {
    connection.close();
  }
  return { product: `SQLite ${version}`, bytes, checks: [await checkCopy(), checkWriting(file)] };
}

async function checkCopy(): Promise<DatabaseCheck> {
  if (await canBackUp()) {
    return {
      name: 'copy',
      status: 'ok',
      detail: 'This Node copies SQLite databases page by page.',
      hint: '',
    };
  }
  return {
    name: 'copy',
    status: 'warning',
    detail:
      'This Node cannot copy SQLite databases page by page; backups take longer, restores go to other files only.',
    hint: 'Restore with the command line on Node 24.',
  };
}

function checkWriting(file: string): DatabaseCheck {
  try {
    accessSync(file, constants.W_OK);
    accessSync(dirname(file), constants.W_OK);
    return { name: 'restore', status: 'ok', detail: `${file} can be written to.`, hint: '' };
  } catch {
    return {
      name: 'restore',
      status: 'warning',
      detail: `${file} or its folder cannot be written to, so it cannot be restored there.`,
      hint: 'Run restores as the user the file belongs to.',
    };
  }
}
