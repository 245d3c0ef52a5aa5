import type { BackupDatabase } from '../backup/databases.ts';
import { sqliteFile } from '../database/sqlite/address.ts';
import { CrmBackupError } from '../errors.ts';
import { realFolder } from '../real-folder.ts';

/** Where the SQLite databases of a set are, as far as their addresses are known. */
export async function sqliteFiles(databases: readonly BackupDatabase[]): Promise<string[]> {
  const files: string[] = [];
  for (const { source, address } of databases) {
    if (source?.url?.toLowerCase().startsWith('sqlite:') !== true) continue;
    try {
      files.push(realFolder(sqliteFile(await address())));
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
    }
  }
  return files;
}
