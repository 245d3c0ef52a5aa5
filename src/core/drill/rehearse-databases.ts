import { join } from 'node:path';
import type { BackupDatabase } from '../backup/databases.ts';
import { openDatabase as openCompared } from '../compare/rows-open.ts';
import { comparedTables, summarizeTables } from '../compare/rows.ts';
import type { DatabaseSide, TableSide } from '../compare/rows-side.ts';
import { DatabaseError } from '../database/error.ts';
import { tablePath } from '../database/table-path.ts';
import { openRestoreSource } from '../restore/restore-source.ts';
import { DAMAGE_WAY_OUT } from '../restore/skipped.ts';
import { DatabaseSwitcher } from '../restore/database-targets.ts';
import { nodeDisk } from '../restore/disk.ts';
import { Journal, newRestoreId } from '../restore/journal.ts';
import {
  buildDatabases,
  extractDatabases,
  planDatabases,
  type PlannedDatabase,
  planExtracts,
} from '../restore/plan-databases.ts';
import type { Problem } from '../problem.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { Differences } from './difference.ts';
import { type DrillProblem, leftOut, outOfReach } from './left-out.ts';
import { fileDatabase, scratchDatabase } from './scratch-database.ts';

/** Where databases are rehearsed. */
export interface RehearsalPlace {
  readonly home: string;
  /** An empty folder. */
  readonly scratch: string;
  /** The databases of the live set: their servers take the scratch databases. */
  readonly live: readonly BackupDatabase[];
}

/** What a rehearsal of databases came to. Times in milliseconds. */
export interface Rehearsed {
  readonly databases: number;
  readonly tables: number;
  readonly rows: number;
  /** Of the databases, as the backup tells them. */
  readonly bytes: number;
  /** All but the comparison. */
  readonly durationMs: number;
  readonly loadMs: number;
  readonly comparedMs: number;
  /** What was rehearsed only in part, a sentence each. */
  readonly notices: readonly string[];
  /** What was left out. */
  readonly problems: readonly DrillProblem[];
  /** Why the first server that is out of reach is so. */
  readonly failure: Error | undefined;
}

/**
 * Restores the databases of a backup under names of their own, one after the other, compares their rows with the backup
 * and drops them again. One that is saved by commands cannot have another name: its dump is only written. One that is not
 * in the set any more has no server to go to, unless it is a file, and that of another may be out of reach: they are left
 * out.
 * @throws {DatabaseError}, {RestoreError}, {SetError}, {VaultError}, {CancelledError}
 */
export async function rehearseDatabases(
  vault: Vault,
  record: BackupRecord,
  place: RehearsalPlace,
  differences: Differences,
  task: Task,
): Promise<Rehearsed> {
  const sum = { databases: 0, tables: 0, rows: 0, bytes: 0, durationMs: 0, loadMs: 0, comparedMs: 0 };
  const notices: string[] = [];
  const problems: DrillProblem[] = [];
  let failure: Error | undefined;
  for (const { type, name, bytes } of record.sources) {
    if (type !== 'database') continue;
    const source = await openRestoreSource(vault, record, name, DAMAGE_WAY_OUT);
    const { engine } = source.info;
    const needsServer = engine !== 'command' && engine !== 'sqlite';
    if (needsServer && !place.live.some((each) => each.name === name)) {
      problems.push(leftOut(name));
      continue;
    }
    // What a comparison had found when the server went away says nothing of the backup.
    const found = new Differences();
    let one: One;
    try {
      one =
        engine === 'command'
          ? await writeDump(vault, record, name, place, task)
          : await rehearse(vault, record, name, engine, place, found, task);
    } catch (error) {
      const problem = outOfReach(name, error);
      if (problem === undefined) throw error;
      problems.push(problem);
      failure ??= error as Error;
      continue;
    }
    differences.addAll(found);
    if (engine === 'command') {
      notices.push(`Database “${name}” is saved by its own commands: its dump was written, but not loaded.`);
    }
    sum.databases++;
    sum.bytes += bytes;
    for (const key of ['tables', 'rows', 'durationMs', 'loadMs', 'comparedMs'] as const) sum[key] += one[key];
  }
  return { ...sum, notices, problems, failure };
}

type One = Pick<Rehearsed, 'tables' | 'rows' | 'durationMs' | 'loadMs' | 'comparedMs'>;

async function writeDump(
  vault: Vault,
  record: BackupRecord,
  name: string,
  { scratch }: RehearsalPlace,
  task: Task,
): Promise<One> {
  const startedAt = performance.now();
  const selected = [{ name, target: undefined, tables: undefined }];
  await extractDatabases(await planExtracts(vault, record, selected, scratch), task);
  const durationMs = Math.round(performance.now() - startedAt);
  return { tables: 0, rows: 0, durationMs, loadMs: durationMs, comparedMs: 0 };
}

async function rehearse(
  vault: Vault,
  record: BackupRecord,
  name: string,
  engine: string,
  { home, scratch, live: inSet }: RehearsalPlace,
  differences: Differences,
  task: Task,
): Promise<One> {
  const startedAt = performance.now();
  const restoreId = newRestoreId();
  const target =
    engine === 'sqlite' ? join(scratch, 'loaded', `${name}.sqlite`) : `crm_backup_drill_${restoreId}`;
  const isKnown = engine !== 'sqlite' || inSet.some((each) => each.name === name);
  const live = isKnown ? inSet : [...inSet, fileDatabase(name, target, scratch)];
  const selected = [{ name, target, tables: undefined }];
  const request = { live, mayEndSessions: false, mayLoseLive: false };
  await using planned = await planDatabases(vault, record, selected, request, task);
  const [database] = planned.databases;
  if (database === undefined) throw new TypeError('A database that was planned is gone.');
  if (!database.plan.creates) throw taken(database.plan.target);
  const disk = nodeDisk();
  const content = {
    set: record.set,
    backup: record.id,
    roots: [],
    databases: [database.journal],
    isDrill: true,
  };
  using journal = Journal.create(disk, home, content, restoreId);
  const switcher = new DatabaseSwitcher(planned.databases);
  const takeAway = async (): Promise<void> => {
    await switcher.backward();
    await switcher.clear();
    journal.remove();
  };
  let one: One;
  try {
    const loadedFrom = performance.now();
    await buildDatabases(planned.databases, task);
    // Whoever finds this journal after a kill takes back what was done, and drops it.
    journal.enter('rolling-back');
    await switcher.forward();
    const loadedAt = performance.now();
    const counts = await compare(vault, record, database, live, target, differences, task);
    one = {
      ...counts,
      durationMs: Math.round(loadedAt - startedAt),
      loadMs: Math.round(loadedAt - loadedFrom),
      comparedMs: performance.now() - loadedAt,
    };
  } catch (error) {
    // The next drill takes away what this cannot; why it came so far matters more.
    await takeAway().catch(() => undefined);
    throw error;
  }
  await takeAway();
  return one;
}

/** Reads the scratch database as a backup would, and compares its tables with those of the backup, row by row. */
async function compare(
  vault: Vault,
  record: BackupRecord,
  { selected: { name } }: PlannedDatabase,
  live: readonly BackupDatabase[],
  target: string,
  differences: Differences,
  task: Task,
): Promise<{ tables: number; rows: number }> {
  const path = `databases/${name}`;
  const to = [
    scratchDatabase(
      live.find((each) => each.name === name)!,
      target,
    ),
  ];
  const report = ({ message }: Problem, error?: unknown): void => {
    if (outOfReach(name, error) !== undefined) throw error;
    differences.add(path, message);
  };
  await using opened = await openCompared(vault, { from: record, to, paths: [] }, name, report, task);
  let tables = 0;
  let rows = 0;
  if (opened === undefined) return { tables, rows };
  const { before: stored, after: scratch } = opened;
  const both = { ...opened, after: scratch && stored && asIfCalled(stored.info.database, scratch) };
  const paths = comparedTables(both);
  for (const one of paths) {
    const before = both.before?.tables.get(one)?.table;
    const after = both.after?.tables.get(one)?.table;
    if (before !== undefined) tables++;
    rows += after?.rows ?? 0;
    if (before?.rows === after?.rows) continue;
    differences.add(`${path}/${one}`, `It has ${after?.rows ?? 0} rows instead of ${before?.rows ?? 0}.`);
  }
  for await (const { path: table, added, changed, deleted, schemaChanged } of summarizeTables(
    both,
    paths,
    task,
  )) {
    const structure = schemaChanged ? 'its structure differs, ' : '';
    differences.add(
      `${path}/${table}`,
      `It came back different: ${structure}${added} rows too many, ${changed} different, ${deleted} missing.`,
    );
  }
  return { tables, rows };
}

/** Where a table's schema is its database (MySQL), tables are called by the name that the database really has. */
function asIfCalled(database: string, side: DatabaseSide): DatabaseSide {
  const tables = [...side.tables.values()].map((each): TableSide => {
    if (each.table.schema !== side.info.database) return each;
    const table = { ...each.table, schema: database };
    return { ...each, path: tablePath(database, table.name), table };
  });
  return {
    name: side.name,
    info: side.info,
    tables: new Map(tables.map((each) => [each.path, each])),
    rows: side.rows,
    objects: side.objects,
    streams: side.streams,
    read: (path) => side.read(path),
    [Symbol.asyncDispose]: async () => side[Symbol.asyncDispose](),
  };
}

function taken(target: string): DatabaseError {
  return new DatabaseError('in-use', `${target}, where the drill would restore to, is there already.`, {
    hint: 'Start the drill again; it takes another name.',
  });
}
