import type { Task } from '../../task.ts';
import type { DumpedTable, DumpSource } from '../engine.ts';
import { copyInStatement, copyOutStatement, readTables } from './catalog.ts';
import { hasRowsOf } from './check.ts';
import { copyIn } from './copy.ts';
import { type Job, runJobs } from './jobs.ts';
import { isLargeObjects, loadLargeObjects } from './large-objects.ts';
import { postDataSteps } from './post-data.ts';
import type { Properties } from './properties.ts';
import { literal, qualified } from './quote.ts';
import { fitSettings, fitToTarget, type RoleRules, type SchemaEntry, schemaEntries } from './schema-text.ts';
import type { Session } from './session.ts';
import type { TargetState } from './target-state.ts';

/** Statements sent at once: each such batch is a transaction with all its locks. */
const ENTRIES_AT_ONCE = 200;
const SEQUENCES_AT_ONCE = 500;
/** To load a table’s rows takes about this many times as long as to read them back. */
const CHECK_SHARE = 3;

const LOADING = [
  'SET check_function_bodies = off',
  'SET client_min_messages = warning',
  // The switch is a transaction behind all others, and it waits for the disk.
  'SET synchronous_commit = off',
  "SET maintenance_work_mem = '256MB'",
  "SET default_tablespace = ''",
].join('; ');

/** Settings for sessions that load. */
export async function prepareToLoad(session: Session): Promise<void> {
  await session.run(LOADING, 'Preparing the connection');
}

/** What of a backup’s schema the target can hold. */
export function rulesFor(state: TargetState): RoleRules {
  return {
    exists: (role) => state.roles.has(role),
    mayOwn: (role) => state.grantable.has(role),
    tablespaceExists: (name) => name === '' || state.tablespaces.has(name),
  };
}

/**
 * Loads a whole database into one that is empty: schema, rows, large objects, sequences, then what is built on rows.
 * While keys and indexes are built, rows are read back already.
 * @param sessions all of them load rows; a single one may be in a transaction
 * @returns the tables that were found to have the backup’s rows; of the others it is not known yet
 * @throws {DatabaseError} `no-space`, `connection-lost`, `write-failed`, `check-failed` …
 */
export async function loadDatabase(
  sessions: readonly [Session, ...Session[]],
  source: DumpSource,
  properties: Properties,
  rules: RoleRules,
  task: Task,
): Promise<ReadonlySet<DumpedTable>> {
  const [leader] = sessions;
  const preData = schemaEntries(await readText(source, 'schema/pre-data.sql'));
  const postData = schemaEntries(await readText(source, 'schema/post-data.sql'));
  await runEntries(leader, preData, rules);
  const tables = source.tables.filter((table) => !isLargeObjects(table));
  const bytes = new Map(tables.map((table) => [nameOf(table), table.bytes]));
  const steps = postDataSteps(
    postData.map((entry) => ({ entry, sql: fitToTarget(entry, rules), settings: fitSettings(entry, rules) })),
    (table) => bytes.get(table) ?? 0,
  );
  // A table of partitions has no rows, and to change it may take locks of those that are loaded: it waits.
  const isOnRows = ({ tables: named }: Job) => named.every((table) => bytes.has(table));
  const [first, ...others] = steps;
  const onRows = first?.isParallel === true ? first.jobs.filter(isOnRows) : [];
  const left = first && { ...first, jobs: first.jobs.filter((job) => !onRows.includes(job)) };
  const found = new Set<DumpedTable>();
  const progress = progressOf(tables, task);
  const jobs = [
    ...loadingJobs(tables, source, sessions.length > 1, progress),
    ...onRows,
    ...(await checkingJobs(leader, tables, found, progress)),
  ];
  await runJobs(sessions, jobs, task);
  if (tables.length < source.tables.length) await loadLargeObjects(leader, source, rules.mayOwn);
  await setSequences(leader, properties);
  for (const { isParallel, jobs: built } of left === undefined ? [] : [left, ...others]) {
    await runJobs(isParallel ? sessions : [leader], built, task);
  }
  return found;
}

async function runEntries(
  session: Session,
  entries: readonly SchemaEntry[],
  rules: RoleRules,
): Promise<void> {
  for (let at = 0; at < entries.length; at += ENTRIES_AT_ONCE) {
    const batch = entries
      .slice(at, at + ENTRIES_AT_ONCE)
      .map((entry) => `${fitSettings(entry, rules)} ${fitToTarget(entry, rules)}`);
    await session.run(batch.join('\n\n'), 'Creating the schema', 'write-failed');
  }
}

function loadingJobs(
  tables: readonly DumpedTable[],
  source: DumpSource,
  isAlone: boolean,
  progress: LoadProgress,
): Job[] {
  return tables.map((table) => ({
    tables: [nameOf(table)],
    cost: table.bytes,
    run: async (session) => loadTable(session, table, source, isAlone, progress),
  }));
}

/** Rows are read back as they lie, for what was loaded lies in order; those that do not are left for later. */
async function checkingJobs(
  leader: Session,
  tables: readonly DumpedTable[],
  found: Set<DumpedTable>,
  progress: LoadProgress,
): Promise<Job[]> {
  const built = new Map((await readTables(leader)).map((table) => [nameOf(table.head), table]));
  return tables.flatMap((stored) => {
    const table = built.get(nameOf(stored));
    if (table === undefined) return [];
    const read = copyOutStatement({ ...table, order: '' });
    const run = async (session: Session) => {
      if (await hasRowsOf(session, stored, read)) found.add(stored);
      progress.checked(stored.bytes);
    };
    return [{ tables: [nameOf(stored)], cost: stored.bytes / CHECK_SHARE, run }];
  });
}

interface LoadProgress {
  loaded(bytes: number): void;
  checked(bytes: number): void;
}

/** Tells how far the load is, and then the check, for the one begins before the other ends. */
function progressOf(tables: readonly DumpedTable[], task: Task): LoadProgress {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  let checked = 0;
  const tell = () => {
    const isLoaded = loaded >= total;
    task.progress?.({
      phase: isLoaded ? 'verify' : 'load',
      done: isLoaded ? checked : loaded,
      total,
      unit: 'bytes',
    });
  };
  return {
    loaded(bytes) {
      loaded += bytes;
      tell();
    },
    checked(bytes) {
      checked += bytes;
      tell();
    },
  };
}

function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return qualified(schema, name);
}

async function loadTable(
  session: Session,
  table: DumpedTable,
  source: DumpSource,
  isAlone: boolean,
  progress: LoadProgress,
): Promise<void> {
  const { schema, name, columns, path } = table;
  const doing = `Writing the table ${schema}.${name}`;
  async function* counted() {
    for await (const block of source.read(path)) {
      yield block;
      progress.loaded(block.length);
    }
  }
  const statement = copyInStatement(schema, name, columns);
  // Rows of a table emptied in the same transaction are written once and for all: nobody else sees them meanwhile.
  if (!isAlone || table.details?.['where'] !== undefined) return copyIn(session, statement, counted(), doing);
  await session.run(`BEGIN; TRUNCATE ONLY ${qualified(schema, name)}`, doing, 'write-failed');
  await copyIn(session, `${statement} WITH (FREEZE)`, counted(), doing);
  await session.run('COMMIT', doing, 'write-failed');
}

async function setSequences(session: Session, { sequences }: Properties): Promise<void> {
  for (let at = 0; at < sequences.length; at += SEQUENCES_AT_ONCE) {
    const calls = sequences
      .slice(at, at + SEQUENCES_AT_ONCE)
      .map(
        ({ schema, name, lastValue, isCalled }) =>
          `pg_catalog.setval(${literal(qualified(schema, name))}, ${literal(lastValue)}, ${isCalled})`,
      );
    await session.run(`SELECT ${calls.join(', ')}`, 'Setting the sequences', 'write-failed');
  }
}

/** A small object of a backup as text. */
export async function readText(source: DumpSource, path: string): Promise<string> {
  const blocks: Buffer[] = [];
  for await (const block of source.read(path)) blocks.push(block);
  return Buffer.concat(blocks).toString('utf8');
}
