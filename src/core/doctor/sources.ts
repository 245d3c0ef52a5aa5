import { access, constants, readdir, stat } from 'node:fs/promises';
import { type BackupDatabase, describeDatabase } from '../backup/databases.ts';
import { systemCode } from '../errors.ts';
import type { PlacedSet } from '../open.ts';
import { systemPath } from '../source/name.ts';
import type { Task } from '../task.ts';
import { type Check, failed, failedBy, passed, warned } from './check.ts';

/** Whether the sources of a set can be read. */
export async function checkSources({ set }: PlacedSet, task: Task): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, directory } of set.roots) {
    checks.push(await checkFolder(`source ${set.name}/${name}`, directory));
  }
  if (set.roots.length === 0 && set.databases.length === 0) {
    checks.push(
      failed(`source ${set.name}`, `Set “${set.name}” names nothing to back up.`, 'Add “files” to the set.'),
    );
  }
  for (const database of set.databases) checks.push(...(await checkDatabase(set.name, database, task)));
  return checks;
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
