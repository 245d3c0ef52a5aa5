import { createHash } from 'node:crypto';
import type { BackupDatabase } from '../../core/backup/databases.ts';
import { changedObjects, type ObjectChange } from '../../core/compare/objects.ts';
import { cellText, rowCopier } from '../../core/compare/rows-copy.ts';
import { RowListing } from '../../core/compare/rows-listing.ts';
import { databaseNames, type OpenDatabase } from '../../core/compare/rows-open.ts';
import { headOf, type RowFilter, structureOf } from '../../core/compare/rows-shown.ts';
import type { TableComparison } from '../../core/compare/rows-table.ts';
import {
  type ComparedDatabase,
  compareTable,
  summarizeTables,
  type TableSummary,
} from '../../core/compare/rows.ts';
import { engineNamed } from '../../core/database/engines.ts';
import { CrmBackupError } from '../../core/errors.ts';
import type { Problem } from '../../core/problem.ts';
import { lockLive, overLive } from '../../core/live-lock.ts';
import { findBackup } from '../../core/reference.ts';
import {
  planRowRestore,
  restoreRows as putBack,
  type RowRestoreRequest,
  undoRows as takeBack,
} from '../../core/restore/rows.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Task } from '../../core/task.ts';
import { isDamage, VaultError } from '../../core/vault/error.ts';
import type { Comparisons } from '../comparisons.ts';
import { EngineError } from '../error.ts';
import type { InSet, OfRows, RowRestoreInput } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** Longer texts are cut: an editor shows them in a cell. */
const MOST_CHARACTERS = 4096;
const MOST_ROWS = 5000;
/** Rows are looked for about so long before what is found is told. */
const SEARCH_MS = 200;
const MOST_LISTINGS = 8;
const MOST_COPIED = 32 * 1024 * 1024;

/** The tables that differ between two versions of a set’s databases, and the objects of those that are live. */
export function tables(vaults: Vaults, comparisons: Comparisons): Handler<'tables'> {
  return async ({ databases, ...versions }, task) => {
    const found: TableSummary[] = [];
    const objects: ObjectChange[] = [];
    const problems: Problem[] = [];
    // What is live is looked at anew.
    if (versions.to === null) comparisons.forget(versions, true);
    for (const name of databases ?? (await namesOf(vaults, versions))) {
      let seen: TableSummary[] = [];
      const look = async (database: OpenDatabase): Promise<void> => {
        // What was moved meanwhile is looked at from the start.
        seen = [];
        for await (const summary of summarizeTables(database, database.tables, task)) seen.push(summary);
        const { before, after } = database;
        if (versions.to !== null || before === undefined || after === undefined) return;
        objects.push(...(await changedObjects(name, before, after)));
      };
      try {
        await comparisons.use(versions, name, look, task);
      } catch (error) {
        const isToBeTold =
          error instanceof CrmBackupError && !(error instanceof VaultError && !isDamage(error));
        if (!isToBeTold || error.code === 'cancelled') throw error;
        problems.push({
          code: 'database-unreachable',
          path: `databases/${name}`,
          message: error.message,
          incomplete: true,
        });
      }
      found.push(...seen);
    }
    return { tables: found, objects, problems };
  };
}

/** Some rows of a table, by their numbers. */
export function rows(comparisons: Comparisons): Handler<'rows'> {
  return async ({ start, limit, mostCharacters = MOST_CHARACTERS, ...table }, task) =>
    withListing(
      comparisons,
      table,
      async (listing, comparison) => {
        const request = { start, limit: Math.min(limit, MOST_ROWS), mostCharacters, forMs: SEARCH_MS };
        const found = await listing.rows(request, task);
        const structure = structureOf(comparison);
        const id = comparisonId(comparison);
        return { ...headOf(comparison), comparison: id, structure, ...listing.state, rows: found };
      },
      task,
    );
}

/** Counts the rows of a table a little further. */
export function countRows(comparisons: Comparisons): Handler<'countRows'> {
  return async (table, task) =>
    withListing(comparisons, table, async (listing) => listing.count(SEARCH_MS, task), task);
}

/** Rows of a table as text for others. */
export function copyRows(comparisons: Comparisons): Handler<'copyRows'> {
  return async ({ ranges, format, ...table }, task) =>
    withListing(
      comparisons,
      table,
      async (listing, comparison, database) => {
        const engine = await engineNamed((database.after ?? database.before)!.info.engine);
        const { head, row, tail } = rowCopier(database, comparison, format, engine);
        const parts = [head];
        let [characters, copied, left] = [0, 0, 0];
        for (const { start, end } of ranges) {
          for await (const change of listing.changes(start, end - start, Infinity, task)) {
            const text = row(change, copied === 0);
            if (text === undefined) {
              left++;
              continue;
            }
            copied++;
            parts.push(text);
            if ((characters += text.length) > MOST_COPIED) throw tooMuch();
          }
        }
        return { text: [...parts, tail].join(''), rows: copied, left };
      },
      task,
    );
}

/** A value of a row as text for others. */
export function copyCell(comparisons: Comparisons): Handler<'copyCell'> {
  return async ({ number, column, ...table }, task) =>
    withListing(
      comparisons,
      table,
      async (listing, comparison, database) => {
        for await (const change of listing.changes(number, 1, Infinity, task)) {
          const text = cellText(database, comparison, change, column);
          if (text !== null && text.length > MOST_COPIED) throw tooMuch();
          return { text };
        }
        throw otherRows();
      },
      task,
    );
}

async function withListing<Result>(
  comparisons: Comparisons,
  { database: name, table, filter, comparison: expected, ...versions }: OfRows,
  work: (listing: RowListing, comparison: TableComparison, database: ComparedDatabase) => Promise<Result>,
  task: Task,
): Promise<Result> {
  return comparisons.use(
    versions,
    name,
    async (database) => {
      if (!database.tables.includes(table)) throw noTable(table);
      const comparison = compareTable(database, table);
      if (expected !== undefined && expected !== comparisonId(comparison)) throw otherRows();
      return work(listingOf(database, comparison, filter), comparison, database);
    },
    task,
  );
}

/** Listings of an open database, so that no row is looked for twice; those that were used last. */
const listings = new WeakMap<ComparedDatabase, Map<string, RowListing>>();

function listingOf(
  database: ComparedDatabase,
  comparison: TableComparison,
  { changes, contains }: RowFilter,
): RowListing {
  const known = listings.get(database) ?? new Map<string, RowListing>();
  listings.set(database, known);
  const name = JSON.stringify([comparison.path, changes, contains]);
  const listing = known.get(name) ?? new RowListing(database, comparison, { changes, contains });
  known.delete(name);
  known.set(name, listing);
  const [oldest] = known.keys();
  if (known.size > MOST_LISTINGS && oldest !== undefined) known.delete(oldest);
  return listing;
}

const ids = new WeakMap<TableComparison, string>();

/** The same for comparisons of the same rows in the same order. */
function comparisonId(comparison: TableComparison): string {
  const known = ids.get(comparison);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const side of [comparison.before, comparison.after])
    hash.update(JSON.stringify(side?.table ?? null)).update(side?.chunks ?? '');
  const id = hash.digest('hex');
  ids.set(comparison, id);
  return id;
}

function otherRows(): EngineError {
  return new EngineError('other-rows', 'The rows have changed since they were shown, so nothing was done.', {
    hint: 'They are shown anew: choose again.',
  });
}

function tooMuch(): EngineError {
  return new EngineError('too-large', 'That is too much to be copied.', {
    hint: 'Choose fewer rows, or restore the table into a folder.',
  });
}

/** What restoring chosen rows would do; nothing is changed. */
export function planRows(vaults: Vaults, comparisons: Comparisons): Handler<'planRows'> {
  return async (input, task) => withRows(vaults, comparisons, input, planRowRestore, task);
}

/** Gives chosen rows of a live database the values they have in a version of it. */
export function restoreRows(vaults: Vaults, comparisons: Comparisons): Handler<'restoreRows'> {
  return async (input, task) => {
    try {
      const restore: typeof putBack = async (live, request) => {
        await using _lock = await lockRows(vaults, live, task);
        return await putBack(live, request, task);
      };
      return await withRows(vaults, comparisons, input, restore, task);
    } finally {
      comparisons.forget(input, true);
    }
  };
}

/** Gives rows of a live database back what they had before they were restored. */
export function undoRows(vaults: Vaults, comparisons: Comparisons): Handler<'undoRows'> {
  return async ({ database, restored, ...set }, task) => {
    try {
      const live = await liveDatabase(vaults, set, database);
      await using _lock = await lockRows(vaults, live, task);
      return await takeBack(live, restored, task);
    } finally {
      comparisons.forget(set, true);
    }
  };
}

/** Keeps restores away from a database. Who only reads it sees rows that are restored together all at once. */
async function lockRows(
  { surroundings }: Vaults,
  live: BackupDatabase,
  task: Task,
): Promise<AsyncDisposable> {
  const over = await overLive({ folders: [], databases: [{ database: live }] });
  return lockLive(homeOf(surroundings), over, 'shared', 'a restore of rows', task);
}

async function withRows<Result>(
  vaults: Vaults,
  comparisons: Comparisons,
  { database: name, side, selections, overwrite, dependents, fingerprint, ...versions }: RowRestoreInput,
  work: (live: BackupDatabase, request: RowRestoreRequest, task: Task) => Promise<Result>,
  task: Task,
): Promise<Result> {
  const live = await liveDatabase(vaults, versions, name);
  return comparisons.use(
    versions,
    name,
    async (compared) => work(live, { compared, side, selections, overwrite, dependents, fingerprint }, task),
    task,
  );
}

async function liveDatabase(vaults: Vaults, inSet: InSet, name: string): Promise<BackupDatabase> {
  const { set } = await vaults.place(inSet);
  const live = set.databases.find((database) => database.name === name);
  if (live !== undefined) return live;
  throw new EngineError('no-database', `Set “${set.name}” has no database “${name}”.`);
}

async function namesOf(
  vaults: Vaults,
  { from, to, ...set }: Parameters<Comparisons['use']>[0],
): Promise<string[]> {
  const placed = await vaults.place(set);
  const listing = await vaults.records(await vaults.existing(placed));
  const after = to === null ? placed.set.databases : findBackup(listing, to, set.set);
  return databaseNames(from === null ? undefined : findBackup(listing, from, set.set), after);
}

function noTable(table: string): EngineError {
  return new EngineError('no-table', `There is no ${table} on either side.`);
}
