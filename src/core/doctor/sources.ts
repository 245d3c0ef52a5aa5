import { lstatSync } from 'node:fs';
import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackupDatabase, describeDatabase } from '../backup/databases.ts';
import { systemCode } from '../errors.ts';
import type { PlacedSet } from '../open.ts';
import { requiredPath } from '../set/precheck.ts';
import { systemPath } from '../source/name.ts';
import type { Task } from '../task.ts';
import { type Check, failed, failedBy, passed, warned } from './check.ts';

/** Whether the sources of a set can be read. */
export async function checkSources({ set }: PlacedSet, task: Task): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, directory, include } of set.roots) {
    const check = await checkFolder(`source ${set.name}/${name}`, directory);
    checks.push(check.status === 'ok' ? checkIncludes(check, directory, include) : check);
  }
  if (set.roots.length === 0 && set.databases.length === 0) {
    checks.push(
      failed(`source ${set.name}`, `Set “${set.name}” names nothing to back up.`, 'Add “files” to the set.'),
    );
  }
  for (const database of set.databases) checks.push(...(await checkDatabase(set.name, database, task)));
  return checks;
}

/** The check of a folder, where something that is to be included of it is not there as far as that shows without a scan. */
function checkIncludes(check: Check, directory: string, include: readonly string[]): Check {
  const idle = include.filter((pattern) => {
    const required = requiredPath(pattern);
    return required !== undefined && !isThere(directory, required);
  });
  if (idle.length === 0) return check;
  const patterns = idle.map((pattern) => `“${pattern}”`).join(', ');
  return warned(
    check.name,
    `${directory} has nothing that ${patterns} of “include” could match.`,
    'Check “include” in the set file: patterns count from “root”, as those of .gitignore do.',
  );
}

/** Whether a path leads somewhere without a link on the way, as no backup follows one. */
function isThere(directory: string, { path, isFolder }: { path: string; isFolder: boolean }): boolean {
  const names = path.split('/');
  return names.every((_, at) => {
    try {
      const stats = lstatSync(systemPath(join(directory, ...names.slice(0, at + 1))));
      return stats.isDirectory() || (at === names.length - 1 && !isFolder);
    } catch (error) {
      // What cannot be looked at is told by a backup.
      return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
    }
  });
}

/** Whether a database answers, and has what a backup and a restore need. */
async function checkDatabase(set: string, database: BackupDatabase, task: Task): Promise<Check[]> {
  const source = `source ${set}/${database.name}`;
  try {
    const { product, checks } = await describeDatabase(database, task);
    return [
      passed(
        source,
        database.source?.command === undefined ? `${product} answers.` : 'Its commands can be run.',
      ),
      ...checks.map(({ name, status, detail, hint }): Check => {
        return { name: `${source} ${name}`, status, detail, hint: hint === '' ? undefined : hint };
      }),
    ];
  } catch (error) {
    return [failedBy(source, error)];
  }
}

async function checkFolder(name: string, directory: string): Promise<Check> {
  try {
    const path = systemPath(directory);
    if (!(await stat(path)).isDirectory()) {
      return failed(name, `${directory} is not a folder.`, 'Correct “root” in the set file.');
    }
    await access(path, constants.R_OK | constants.X_OK);
    const entries = await readdir(path);
    return entries.length === 0
      ? warned(
          name,
          `${directory} is empty.`,
          'Check “root” in the set file, and whether its disk is mounted.',
        )
      : passed(name, `${directory} can be read.`);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return code === 'ENOENT'
      ? failed(name, `${directory} does not exist.`, 'Correct “root” in the set file, or connect its disk.')
      : failed(name, `${directory} cannot be read: the system says ${code}.`, 'Check its permissions.');
  }
}
