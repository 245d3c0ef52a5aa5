import type { BackupDatabase } from '../backup/databases.ts';
import type { BackupRecord } from '../vault/record.ts';
import { RestoreError } from './error.ts';
import type { SelectedPath } from './selection.ts';

/** A database the user named, and where it goes instead of where it was. */
export interface DatabaseChoice {
  readonly name: string;
  readonly target?: string | undefined;
}

/** What of a database is restored where. */
export interface SelectedDatabase {
  readonly name: string;
  /** Undefined for its own place. */
  readonly target: string | undefined;
  /** Paths of single tables, `tables/…`; undefined for the whole database. */
  readonly tables: readonly string[] | undefined;
  /** Of a whole database that goes to a folder: tables whose rows cannot be had. */
  readonly without?: readonly string[] | undefined;
}

/** A database of the set, and where it goes instead of its own place. */
interface DatabasePlace {
  readonly database: BackupDatabase;
  readonly target: string | undefined;
}

/**
 * The database of the set that a selected one is restored by: its own, or, when the set has none of this name any more,
 * the one that is its target.
 */
export function placeOf(
  { name, target }: Pick<SelectedDatabase, 'name' | 'target'>,
  live: readonly BackupDatabase[],
): DatabasePlace | undefined {
  const own = live.find((each) => each.name === name);
  if (own !== undefined) return { database: own, target };
  const named = live.find((each) => each.name === target);
  return named && { database: named, target: undefined };
}

const FOLDER = 'databases';

/**
 * Which databases of a backup are restored: those that are named, and those that paths lead to; all of them when neither
 * is given.
 * @param paths what is selected of the backup; undefined selects everything
 * @throws {RestoreError} `not-in-backup`.
 */
export function selectDatabases(
  record: Pick<BackupRecord, 'id' | 'sources'>,
  paths: readonly SelectedPath[] | undefined,
  choices: readonly DatabaseChoice[],
): SelectedDatabase[] {
  const names = record.sources.filter(({ type }) => type === 'database').map(({ name }) => name);
  const selected = new Map<string, SelectedDatabase>();
  for (const { path } of paths ?? [{ path: '' }]) {
    if (path !== '' && path !== FOLDER && !path.startsWith(`${FOLDER}/`)) continue;
    const [, name, ...below] = path.split('/');
    if (name === undefined) {
      for (const each of names) selected.set(each, { name: each, target: undefined, tables: undefined });
      continue;
    }
    if (!names.includes(name)) throw notInBackup(record, path);
    const before = selected.get(name);
    const tables = tablesOf(below, path);
    const isWhole = tables === undefined || (before !== undefined && before.tables === undefined);
    selected.set(name, {
      name,
      target: undefined,
      tables: isWhole ? undefined : [...(before?.tables ?? []), ...tables],
    });
  }
  for (const { name, target } of choices) {
    if (!names.includes(name)) throw notInBackup(record, `${FOLDER}/${name}`);
    selected.set(name, { name, target, tables: selected.get(name)?.tables });
  }
  return [...selected.values()];
}

/**
 * The paths that are meant when databases are named besides: one of which only tables are asked for is not meant as a whole.
 * @param paths in the backup, without a slash at the end
 */
export function withNamed(paths: readonly string[], choices: readonly DatabaseChoice[]): string[] {
  const roots = choices.map(({ name }) => `${FOLDER}/${name}`);
  return [...paths, ...roots.filter((root) => !paths.some((path) => path.startsWith(`${root}/`)))];
}

/** The tables that a path below a database means: undefined means all of it. */
function tablesOf(below: readonly string[], path: string): string[] | undefined {
  if (below.length === 0) return undefined;
  if (below.length === 2 && below[0] === 'tables') return [below.join('/')];
  throw new RestoreError('not-in-backup', `${path} is no database and no table, so it cannot be restored.`, {
    hint: 'Name a database, as “databases/crm”, or a table, as “databases/crm/tables/public.customer”.',
  });
}

/** What is asked for is not there. */
export function notInBackup({ id }: Pick<BackupRecord, 'id'>, path: string): RestoreError {
  return new RestoreError('not-in-backup', `Backup ${id.slice(0, 8)} has no ${path}.`, {
    hint: '“crm-backup ls BACKUP databases” lists its databases.',
  });
}
