import type { Task } from '../../task.ts';
import type { DumpedTable, DumpSource } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { TableChecksum } from '../table-checksum.ts';
import type { ServerAddress } from './address.ts';
import { readExactCharsets, readTables } from './catalog.ts';
import { planTable, type TablePlan } from './table-plan.ts';
import { deferKeys, referencedColumns } from './deferred-keys.ts';
import { readDumped } from './dumped.ts';
import { fitted, isStored, madeAtSwitch } from './fitted-objects.ts';
import { createJournal, writeJournal } from './journal.ts';
import { insertLines, loadLines } from './load-rows.ts';
import { dropObject, makeObjects } from './make-object.ts';
import { readPositions } from './positions.ts';
import { quoteName, quoteTable } from './quote.ts';
import { readLines } from './read-lines.ts';
import { endWhenCancelled, oneValue, openSession, type Session, useDatabase } from './session.ts';
import { renameSchema } from './rename-schema.ts';
import { qualifyReferences } from './statement.ts';
import type { StoredObject } from './stored-object.ts';
import type { Ticket } from './ticket.ts';
import { ServerRefusal } from './wire.ts';

/** A column’s default that a sequence gives. */
const NEXT_VALUE = /^\s+(`(?:[^`]|``)+`) .* DEFAULT (\(?nextval\([^)]*\)\)?)/gim;
/** Sessions that load rows. */
const LOADERS = 2;

/** Builds the new tables beside the live ones, checks them, and rehearses everything that is made at the switch. */
export async function build(
  session: Session,
  server: ServerAddress,
  source: DumpSource,
  ticket: Ticket,
  task: Task,
): Promise<void> {
  const loaders: Session[] = [];
  try {
    for (let loader = 0; loader < LOADERS; loader++) loaders.push(await openSession(server, undefined, task));
    await endWhenCancelled([session, ...loaders], task, async () => {
      const dumped = await readDumped(
        source,
        ticket.tables === null ? undefined : dumpedPaths(source, ticket),
      );
      await createJournal(session, ticket);
      await useDatabase(session, ticket.newSchema);
      for (const { wire } of [session, ...loaders]) await prepareToLoad(wire);
      const objects = dumped.objects.map((object) => fitted(object, ticket));
      const completions: string[] = [];
      const keys = new Map<string, readonly string[]>();
      const referenced = referencedColumns(objects.map(({ statement }) => statement));
      for (const object of objects.filter(isStored)) {
        const made = await makeStored(session, source, ticket, object, referenced);
        completions.push(...made.completions);
        keys.set(object.name, made.keys);
      }
      const plans = await planLoads(session, dumped.tables, keys, ticket);
      await loadAll(loaders, source, plans, ticket);
      await setCounters(session, source, ticket, plans);
      await checkAll(loaders, plans);
      await rehearse(
        session,
        source,
        ticket,
        objects.filter((object) => !isStored(object)),
      );
      const later = madeAtSwitch(dumped.objects, source.info.database, ticket);
      await writeJournal(session, ticket, 'new', { objects: later, completions });
    });
  } finally {
    await Promise.all(loaders.map(async ({ wire }) => wire.close()));
  }
}

function dumpedPaths(source: DumpSource, { tables }: Ticket): string[] {
  return source.tables.filter(({ name }) => tables?.includes(name)).map(({ path }) => path);
}

/**
 * Foreign keys are looked at when all tables are there. Unique keys stay in force: without both, MariaDB collects and
 * sorts each table’s rows before it stores them, which is twice the work for rows that come in order. What a server
 * may refuse to set is left as it is.
 */
async function prepareToLoad(wire: Session['wire']): Promise<void> {
  await wire.query('SET SESSION foreign_key_checks = 0, unique_checks = 1');
  for (const set of [
    'innodb_strict_mode = 0',
    'sql_require_primary_key = 0',
    'sql_generate_invisible_primary_key = 0',
  ]) {
    try {
      await wire.query(`SET SESSION ${set}`);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  }
}

/** Makes a table or sequence beside; returns what is left to do when its rows are there, and when it is in its place. */
async function makeStored(
  session: Session,
  source: DumpSource,
  ticket: Ticket,
  { kind, name, statement }: StoredObject,
  referenced: ReadonlyMap<string, readonly string[]>,
): Promise<{ readonly completions: readonly string[]; readonly keys: readonly string[] }> {
  const { database } = source.info;
  let own = statement;
  const completions: string[] = [];
  if (kind === 'table') {
    if (ticket.tables === null) {
      // A default from a sequence names its database, which is another one once both are in their place.
      for (const [, column = '', value = ''] of own.matchAll(NEXT_VALUE))
        completions.push(
          `ALTER TABLE ${quoteName(name)} ALTER COLUMN ${column} SET DEFAULT ${renameSchema(value, database, ticket.database)}`,
        );
    }
    own = renameSchema(own, database, ticket.tables === null ? ticket.newSchema : ticket.database);
    // Foreign keys may refer to tables that stay, or to none at all; these are meant where the table will be.
    const built = source.tables.filter((table) => ticket.tables?.includes(table.name) ?? true);
    own = qualifyReferences(own, ticket.database, new Set(built.map((table) => table.name)));
  }
  const { statement: first, keys } =
    kind === 'table' ? deferKeys(own, referenced.get(quoteName(name)) ?? []) : { statement: own, keys: [] };
  await session.wire.query(first);
  return { completions, keys };
}

interface Load {
  readonly table: DumpedTable;
  readonly plan: TablePlan;
  /** Made when the rows are there. */
  readonly keys: readonly string[];
}

/** How each table’s lines are loaded and read back. */
async function planLoads(
  session: Session,
  tables: readonly DumpedTable[],
  keys: ReadonlyMap<string, readonly string[]>,
  ticket: Ticket,
): Promise<Load[]> {
  const built = new Map((await readTables(session, ticket.newSchema)).map((table) => [table.name, table]));
  const used = [...built.values()].flatMap(({ columns }) => columns.flatMap(({ charset }) => charset ?? []));
  const exact = await readExactCharsets(session, used);
  return tables.map((table) => {
    const made = built.get(table.name);
    const names = table.columns.map(({ name }) => name);
    const stored = made?.columns.filter(({ generated }) => !generated).map(({ name }) => name) ?? [];
    if (made === undefined || names.join('\0') !== stored.join('\0'))
      throw differs(table.name, 'its columns differ');
    const key = table.key.map((column) => names[column] ?? '');
    const plan = planTable({ ...made, key }, exact, ticket.newSchema);
    return { table, plan, keys: keys.get(table.name) ?? [] };
  });
}

/** Every loader takes the largest table that is left. */
async function inParallel(
  loaders: readonly Session[],
  loads: readonly Load[],
  work: (loader: Session, load: Load) => Promise<void>,
): Promise<void> {
  const left = loads.toSorted((a, b) => a.table.bytes - b.table.bytes);
  let failed = false;
  await Promise.all(
    loaders.map(async (loader) => {
      for (let load = left.pop(); load !== undefined && !failed; load = left.pop()) {
        try {
          await work(loader, load);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    }),
  );
}

async function loadAll(
  loaders: readonly Session[],
  source: DumpSource,
  loads: readonly Load[],
  { newSchema }: Ticket,
): Promise<void> {
  const [first] = loaders;
  if (first === undefined) return;
  const mayLoad = (await oneValue(first, 'SELECT @@GLOBAL.local_infile')) === '1';
  const packetBytes = Number(await oneValue(first, 'SELECT @@GLOBAL.max_allowed_packet'));
  await inParallel(loaders, loads, async ({ wire }, { table, plan, keys }) => {
    if (table.rows > 0 && plan.columns.length > 0) {
      const lines = source.read(table.path);
      if (mayLoad) await loadLines(wire, newSchema, plan, lines);
      else await insertLines(wire, newSchema, plan, lines, packetBytes);
    }
    if (keys.length === 0) return;
    const adding = keys.map((key) => `ADD ${key}`).join(', ');
    await wire.query(`ALTER TABLE ${quoteTable(newSchema, table.name)} ${adding}`);
  });
}

/** AUTO_INCREMENT values and positions of sequences. */
async function setCounters(
  { wire }: Session,
  source: DumpSource,
  ticket: Ticket,
  loads: readonly Load[],
): Promise<void> {
  const { counters, sequences } = readPositions(source.info);
  for (const { table } of loads) {
    const counter = counters.get(table.name);
    if (counter === undefined) continue;
    await wire.query(`ALTER TABLE ${quoteTable(ticket.newSchema, table.name)} AUTO_INCREMENT = ${counter}`);
  }
  if (ticket.tables !== null) return;
  for (const [name, position] of sequences)
    await wire.query(`SELECT SETVAL(${quoteTable(ticket.newSchema, name)}, ${position})`);
}

/** Reads every table back. */
async function checkAll(loaders: readonly Session[], loads: readonly Load[]): Promise<void> {
  for (const { wire } of loaders) await wire.query('SET character_set_results = NULL');
  await inParallel(loaders, loads, async ({ wire }, { table, plan }) => {
    const readBack = async (select: string) => {
      const sum = new TableChecksum(table.key);
      await readLines(wire, plan.columns, select, (block, ended) => {
        sum.update(block, ended);
        return undefined;
      });
      return sum.value;
    };
    let { rows, checksum } = await readBack(plan.byIndex ?? plan.inOrder);
    // Perhaps only their order differs.
    if (plan.byIndex !== undefined && checksum !== table.checksum)
      ({ rows, checksum } = await readBack(plan.inOrder));
    if (rows !== table.rows)
      throw differs(table.name, `it has ${String(rows)} rows instead of ${String(table.rows)}`);
    if (checksum !== table.checksum) throw differs(table.name, 'its rows differ');
  });
}

/** Makes everything that is made at the switch once beside, so that nothing can be refused then. */
async function rehearse(
  session: Session,
  source: DumpSource,
  ticket: Ticket,
  objects: readonly StoredObject[],
): Promise<void> {
  const made = objects.map((object) => ({
    ...object,
    statement: renameSchema(object.statement, source.info.database, ticket.newSchema),
  }));
  await makeObjects(session, ticket.newSchema, made);
  for (const object of made.toReversed()) await dropObject(session, object);
}

function differs(table: string, how: string): DatabaseError {
  return new DatabaseError('check-failed', `“${table}” is not what the backup has after loading: ${how}.`, {
    hint: 'The live database is untouched. Verify the backup, and restore to the kind of server it came from.',
  });
}
