import { databaseNames } from '../../core/compare/rows-open.ts';
import { compareTable, readRowPage, summarizeTables, type TableSummary } from '../../core/compare/rows.ts';
import { CrmBackupError } from '../../core/errors.ts';
import type { Problem } from '../../core/problem.ts';
import { findBackup } from '../../core/reference.ts';
import { planRowRestore, restoreRows as putBack, type RowRestorePlan } from '../../core/restore/rows.ts';
import type { Task } from '../../core/task.ts';
import { VaultError } from '../../core/vault/error.ts';
import type { Comparisons } from '../comparisons.ts';
import { EngineError } from '../error.ts';
import type { RowRestoreInput } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** Longer texts are cut: an editor shows them in a cell. */
const MOST_CHARACTERS = 4096;
const MOST_ROWS = 5000;

/** The tables that differ between two versions of a set’s databases. */
export function tables(vaults: Vaults, comparisons: Comparisons): Handler<'tables'> {
  return async ({ databases, ...versions }, task) => {
    const found: TableSummary[] = [];
    const problems: Problem[] = [];
    // What is live is looked at anew.
    if (versions.to === null) comparisons.forget(versions, true);
    for (const name of databases ?? (await namesOf(vaults, versions))) {
      try {
        const add = async (
          database: Parameters<typeof summarizeTables>[0] & { tables: readonly string[] },
        ): Promise<void> => {
          for await (const summary of summarizeTables(database, database.tables, task)) found.push(summary);
        };
        await comparisons.use(versions, name, add, task);
      } catch (error) {
        if (!(error instanceof CrmBackupError) || error instanceof VaultError || error.code === 'cancelled')
          throw error;
        problems.push({
          code: 'database-unreachable',
          path: `databases/${name}`,
          message: error.message,
          incomplete: true,
        });
      }
    }
    return { tables: found, problems };
  };
}

/** Some rows of a table that differ between two versions. */
export function rows(comparisons: Comparisons): Handler<'rows'> {
  return async ({ database: name, table, page, ...versions }, task) =>
    comparisons.use(
      versions,
      name,
      async (database) => {
        if (!database.tables.includes(table)) throw noTable(table);
        const limit = Math.min(page.limit, MOST_ROWS);
        return readRowPage(
          database,
          compareTable(database, table),
          { mostCharacters: MOST_CHARACTERS, ...page, limit },
          task,
        );
      },
      task,
    );
}

/** What restoring chosen rows would do; nothing is changed. */
export function planRows(vaults: Vaults, comparisons: Comparisons): Handler<'planRows'> {
  return async (input, task) => withRows(vaults, comparisons, input, planRowRestore, task);
}

/** Gives chosen rows of a live database the values they have in a version of it. */
export function restoreRows(vaults: Vaults, comparisons: Comparisons): Handler<'restoreRows'> {
  return async (input, task) => {
    try {
      return await withRows(vaults, comparisons, input, putBack, task);
    } finally {
      comparisons.forget(input, true);
    }
  };
}

async function withRows(
  vaults: Vaults,
  comparisons: Comparisons,
  { database: name, side, selections, overwrite, ...versions }: RowRestoreInput,
  work: typeof planRowRestore,
  task: Task,
): Promise<RowRestorePlan> {
  const { set } = await vaults.place(versions);
  const live = set.databases.find((database) => database.name === name);
  if (live === undefined)
    throw new EngineError('no-database', `Set “${set.name}” has no database “${name}”.`);
  return comparisons.use(
    versions,
    name,
    async (compared) => work(live, { compared, side, selections, overwrite }, task),
    task,
  );
}

async function namesOf(
  vaults: Vaults,
  { from, to, ...set }: Parameters<Comparisons['use']>[0],
): Promise<string[]> {
  const placed = await vaults.place(set);
  const listing = await vaults.records(await vaults.existing(placed));
  const after = to === null ? placed.set.databases : findBackup(listing, to, set.set);
  return databaseNames(findBackup(listing, from, set.set), after);
}

function noTable(table: string): EngineError {
  return new EngineError('no-table', `There is no ${table} on either side.`);
}
