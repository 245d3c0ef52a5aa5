import { throwIfCancelled, type Task } from '../../task.ts';
import type { DumpedTable, DumpSource } from '../engine.ts';
import { copyInStatement } from './catalog.ts';
import { copyIn } from './copy.ts';
import { firstFailure } from './first-failure.ts';
import { isLargeObjects, loadLargeObjects } from './large-objects.ts';
import { runPostData } from './post-data.ts';
import type { Properties } from './properties.ts';
import { literal, qualified } from './quote.ts';
import { fitSettings, fitToTarget, type RoleRules, type SchemaEntry, schemaEntries } from './schema-text.ts';
import type { Session } from './session.ts';
import type { TargetState } from './target-state.ts';

/** Statements sent at once: each such batch is a transaction with all its locks. */
const ENTRIES_AT_ONCE = 200;
const SEQUENCES_AT_ONCE = 500;

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
 * @param sessions all of them load rows; a single one may be in a transaction
 * @throws {DatabaseError} `no-space`, `connection-lost`, `write-failed` …
 */
export async function loadDatabase(
  sessions: readonly [Session, ...Session[]],
  source: DumpSource,
  properties: Properties,
  rules: RoleRules,
  task: Task,
): Promise<void> {
  const [leader] = sessions;
  const preData = schemaEntries(await readText(source, 'schema/pre-data.sql'));
  const postData = schemaEntries(await readText(source, 'schema/post-data.sql'));
  await runEntries(leader, preData, rules);
  await loadTables(sessions, source, task);
  if (source.tables.some(isLargeObjects)) await loadLargeObjects(leader, source, rules.mayOwn);
  await setSequences(leader, properties);
  await runPostData(
    sessions,
    postData.map((entry) => ({ entry, sql: fitToTarget(entry, rules), settings: fitSettings(entry, rules) })),
    task,
  );
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

async function loadTables(sessions: readonly Session[], source: DumpSource, task: Task): Promise<void> {
  const tables = source.tables.filter((table) => !isLargeObjects(table));
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const count = (bytes: number) => {
    done += bytes;
    task.progress?.({ phase: 'load', done, total, unit: 'bytes' });
  };
  const waiting = [...tables].sort((a, b) => b.bytes - a.bytes);
  const load = async (session: Session) => {
    for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
      throwIfCancelled(task);
      await loadTable(session, table, source, sessions.length > 1, count);
    }
  };
  await firstFailure(sessions.map(load), () => {
    if (sessions.length > 1) for (const session of sessions) session.abort();
  });
}

async function loadTable(
  session: Session,
  table: DumpedTable,
  source: DumpSource,
  isAlone: boolean,
  count: (bytes: number) => void,
): Promise<void> {
  const { schema, name, columns, path } = table;
  const doing = `Writing the table ${schema}.${name}`;
  async function* counted() {
    for await (const block of source.read(path)) {
      yield block;
      count(block.length);
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
