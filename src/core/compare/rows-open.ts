import type { BackupDatabase } from '../backup/databases.ts';
import { DatabaseError } from '../database/error.ts';
import type { Problem } from '../problem.ts';
import { SetError } from '../set/error.ts';
import type { Task } from '../task.ts';
import { isDamage, type VaultError } from '../vault/error.ts';
import { comparePaths, isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { WorkerPool } from '../worker/pool.ts';
import { hasDatabase, lacksDatabase, notInSet } from './one-sided.ts';
import { openLiveSide } from './rows-live.ts';
import { type ComparedDatabase, comparedTables } from './rows.ts';
import { type DatabaseSide, openStoredSide } from './rows-side.ts';
import { SqlitePair } from './rows-sqlite-pair.ts';

/** What of two moments is compared. */
export interface DatabaseSelection {
  /** Undefined for nothing: all rows are added. */
  readonly from: BackupRecord | undefined;
  /** A backup, or the databases of a set as they are now. */
  readonly to: BackupRecord | readonly BackupDatabase[];
  /** Only databases and tables at or below these paths; empty for all. */
  readonly paths: readonly string[];
}

/** A database that is open on both sides, and the tables of it that are wanted. */
export interface OpenDatabase extends ComparedDatabase, AsyncDisposable {
  readonly tables: readonly string[];
}

/**
 * Opens the databases of two moments, one after the other; each is closed before the next is opened. What cannot be read
 * is reported and left out, also what is damaged in the vault.
 * @param report is also told the error underneath, where there is one
 * @throws {CancelledError}
 */
export async function* openDatabases(
  vault: Vault,
  selection: DatabaseSelection,
  report: (problem: Problem, error?: unknown) => void,
  task: Task,
): AsyncGenerator<OpenDatabase> {
  for (const name of databaseNames(selection.from, selection.to)) {
    if (!isWanted(`databases/${name}`, selection.paths)) continue;
    await using database = await unlessDamaged(name, report, () =>
      openDatabase(vault, selection, name, report, task),
    );
    if (database !== undefined) yield database;
  }
}

/** What is asked for; where that is damaged in the vault, it is reported for a path below `databases/`. */
export async function unlessDamaged<T>(
  path: string,
  report: (problem: Problem, error: unknown) => void,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!isDamage(error)) throw error;
    const { message } = error as VaultError;
    report({ code: 'database-failed', path: `databases/${path}`, message, incomplete: true }, error);
    return undefined;
  }
}

/** The names of all databases that two moments have, in order. */
export function databaseNames(from: DatabaseSelection['from'], to: DatabaseSelection['to']): string[] {
  const live = isLive(to) ? to.map(({ name }) => name) : databasesOf(to);
  return [...new Set([...databasesOf(from), ...live])].sort(comparePaths);
}

/**
 * Opens one database of two moments; undefined when there is none of that name, or when a side cannot be read, which is
 * reported.
 * @param report is also told the error underneath, where there is one
 * @throws as {@link openDatabases}
 */
export async function openDatabase(
  vault: Vault,
  { from, to, paths }: DatabaseSelection,
  name: string,
  report: (problem: Problem, error?: unknown) => void,
  task: Task,
): Promise<OpenDatabase | undefined> {
  const sides: DatabaseSide[] = [];
  let pair: Promise<SqlitePair> | undefined;
  let threads: WorkerPool | undefined;
  const pool = (): WorkerPool => (threads ??= new WorkerPool());
  const close = async (): Promise<void> => {
    await threads?.close();
    if (pair !== undefined) (await pair.catch(() => undefined))?.[Symbol.dispose]();
    for (const side of sides.splice(0)) await side[Symbol.asyncDispose]();
  };
  const keep = <Side extends DatabaseSide | undefined>(side: Side): Side => {
    if (side !== undefined) sides.push(side);
    return side;
  };
  try {
    for (const record of [from, isLive(to) ? undefined : to]) {
      if (record === undefined || !isMissing(record, name)) continue;
      const message = `Backup ${record.id.slice(0, 8)} could not read it, so there is nothing to compare.`;
      report({ code: 'database-failed', path: `databases/${name}`, message, incomplete: true });
      return undefined;
    }
    const live = isLive(to) ? to.find((database) => database.name === name) : undefined;
    const apart = oneSided(from, to, name);
    if (apart !== undefined) {
      report(apart);
      return undefined;
    }
    const before = from && keep(await openStoredSide(vault, from, name, pool));
    const stored = isLive(to) ? undefined : keep(await openStoredSide(vault, to, name, pool));
    const after = live === undefined ? stored : keep(await openLiveSide(vault, live, pool, task));
    if (before === undefined && after === undefined) return undefined;
    const sqlite = async (): Promise<SqlitePair> => (pair ??= SqlitePair.open({ before, after }, task));
    const compared = { name, before, after, sqlite };
    const tables = comparedTables(compared).filter((path) => isWanted(`databases/${name}/${path}`, paths));
    return { ...compared, tables, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    if (!(error instanceof DatabaseError || error instanceof SetError)) throw error;
    const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
    report({ code: 'database-unreachable', path: `databases/${name}`, message, incomplete: true }, error);
    return undefined;
  }
}

function isLive(to: DatabaseSelection['to']): to is readonly BackupDatabase[] {
  return Array.isArray(to);
}

function databasesOf(record: BackupRecord | undefined): string[] {
  const sources = record?.sources.filter(({ type }) => type === 'database') ?? [];
  const roots = record?.manifest.map(({ root }) => root).filter((root) => isWithin(root, 'databases')) ?? [];
  return [...sources.map(({ name }) => name), ...roots.map((root) => root.slice('databases/'.length))];
}

/** Why there is nothing to compare when only one side has a database. */
function oneSided(
  from: DatabaseSelection['from'],
  to: DatabaseSelection['to'],
  name: string,
): Problem | undefined {
  if (from === undefined) return undefined;
  const isBefore = hasDatabase(from, name);
  const isAfter = isLive(to) ? to.some((database) => database.name === name) : hasDatabase(to, name);
  if (isBefore === isAfter) return undefined;
  if (!isBefore) return lacksDatabase(from, name);
  return isLive(to) ? notInSet(name) : lacksDatabase(to, name);
}

/** Whether a backup should have had a database, but could not read it. */
function isMissing({ problems, manifest }: BackupRecord, name: string): boolean {
  const root = `databases/${name}`;
  const failed = problems.some(({ path, incomplete }) => path === root && incomplete);
  return failed && !hasDatabase({ manifest }, name);
}

function isWanted(path: string, paths: readonly string[]): boolean {
  return paths.length === 0 || paths.some((each) => isWithin(path, each) || isWithin(each, path));
}
