import { DatabaseError } from '../error.ts';
import { type CatalogTable, readTables } from './catalog.ts';
import { withoutInheritedCollations } from './inherited-collations.ts';
import { quoteName, quoteText } from './quote.ts';
import type { Session } from './session.ts';
import type { StoredObject } from './stored-object.ts';
import type { Row } from './wire.ts';

/** What lets an account read the routines of others. */
export const READ_ROUTINES =
  'Grant SELECT ON mysql.proc (MariaDB) or SHOW_ROUTINE ON *.* (MySQL) to the account.';

/** A database’s catalog: its tables with their columns, and every object as a statement. */
export interface Catalog {
  readonly charset: string;
  readonly collation: string;
  readonly tables: readonly CatalogTable[];
  readonly objects: readonly StoredObject[];
  /** The next AUTO_INCREMENT values, by table. They are no part of the statements, for every INSERT changes them. */
  readonly counters: ReadonlyMap<string, string>;
}

/**
 * Reads the catalog of the database in use. Its texts are in Unicode, whatever charset they were written in.
 * @param unreadable Told the objects whose statements this account may not read; they are left out.
 * @throws {ServerRefusal}
 */
export async function readCatalog(
  session: Session,
  database: string,
  unreadable: (object: Pick<StoredObject, 'kind' | 'name'>) => void,
): Promise<Catalog> {
  const { wire } = session;
  const schema = quoteText(database);
  const [own] = await wire.query(
    `SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${schema}`,
  );
  const tables = await readTables(session, database);
  const objects: StoredObject[] = [];
  const counters = new Map<string, string>();
  for (const table of tables) {
    const object = await showTable(session, table);
    if (object === undefined) {
      unreadable(table);
      continue;
    }
    const { statement, counter } = withoutCounter(object.statement);
    if (counter !== undefined) counters.set(table.name, counter);
    objects.push({ ...object, statement });
  }
  objects.push(...(await readTriggers(session, schema, unreadable)));
  objects.push(...(await readRoutines(session, schema, unreadable)));
  objects.push(...(await readEvents(session, schema, unreadable)));
  return { charset: own?.[0] ?? '', collation: own?.[1] ?? '', tables, objects, counters };
}

async function showTable(
  { wire, server }: Session,
  { name, kind, broken }: CatalogTable,
): Promise<StoredObject | undefined> {
  // A sequence is shown as a table by SHOW CREATE TABLE, and as itself by SHOW CREATE SEQUENCE.
  const [row] = await wire.query(`SHOW CREATE ${kind.toUpperCase()} ${quoteName(name)}`);
  const statement = row?.[1];
  if (statement === undefined || statement === null) return undefined;
  if (kind !== 'view')
    return { kind, name, statement: server.isMariaDb ? statement : withoutInheritedCollations(statement) };
  return {
    kind,
    name,
    settings: { charset: row?.[2] ?? '', collation: row?.[3] ?? '' },
    ...(broken ? { broken } : {}),
    statement,
  };
}

async function readTriggers(
  { wire }: Session,
  schema: string,
  unreadable: (object: Pick<StoredObject, 'kind' | 'name'>) => void,
): Promise<StoredObject[]> {
  const triggers = await wire.query(
    `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ${schema}
      ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER, TRIGGER_NAME`,
  );
  const objects: StoredObject[] = [];
  for (const [name, table, order] of triggers) {
    const [row] = await wire.query(`SHOW CREATE TRIGGER ${quoteName(name ?? '')}`);
    const what = { kind: 'trigger', name: name ?? '', table: table ?? '', order: Number(order) } as const;
    const statement = row?.[2] ?? '';
    if (statement === '') unreadable(what);
    else objects.push({ ...what, settings: routineSettings(row, 1, 3), statement });
  }
  return objects;
}

async function readRoutines(
  { wire }: Session,
  schema: string,
  unreadable: (object: Pick<StoredObject, 'kind' | 'name'>) => void,
): Promise<StoredObject[]> {
  const routines = await wire.query(
    `SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ${schema}
      AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE', 'PACKAGE', 'PACKAGE BODY') ORDER BY ROUTINE_TYPE, ROUTINE_NAME`,
  );
  const objects: StoredObject[] = [];
  for (const [type, name] of routines) {
    const kind = (type ?? '').toLowerCase() as StoredObject['kind'];
    const [row] = await wire.query(`SHOW CREATE ${type ?? ''} ${quoteName(name ?? '')}`);
    const what = { kind, name: name ?? '' };
    const statement = row?.[2] ?? '';
    if (statement === '') unreadable(what);
    else objects.push({ ...what, settings: routineSettings(row, 1, 3), statement });
  }
  return objects;
}

async function readEvents(
  { wire }: Session,
  schema: string,
  unreadable: (object: Pick<StoredObject, 'kind' | 'name'>) => void,
): Promise<StoredObject[]> {
  const events = await wire.query(
    `SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ${schema} ORDER BY EVENT_NAME`,
  );
  const objects: StoredObject[] = [];
  for (const [name] of events) {
    const [row] = await wire.query(`SHOW CREATE EVENT ${quoteName(name ?? '')}`);
    const what = { kind: 'event', name: name ?? '' } as const;
    const statement = row?.[3] ?? '';
    const settings = { ...routineSettings(row, 1, 4), timeZone: row?.[2] ?? '' };
    if (statement === '') unreadable(what);
    else objects.push({ ...what, settings, statement });
  }
  return objects;
}

function routineSettings(row: Row | undefined, mode: number, charset: number) {
  return {
    sqlMode: row?.[mode] ?? '',
    charset: row?.[charset] ?? '',
    collation: row?.[charset + 1] ?? '',
    databaseCollation: row?.[charset + 2] ?? '',
  };
}

/** For those who need every object. @throws {DatabaseError} `missing-privilege`. */
export function refuseUnreadable({ kind, name }: Pick<StoredObject, 'kind' | 'name'>): never {
  throw new DatabaseError('missing-privilege', `The statement of ${kind} “${name}” may not be read.`, {
    hint: READ_ROUTINES,
  });
}

/** Takes the AUTO_INCREMENT option out of a CREATE TABLE as the server writes it. */
function withoutCounter(statement: string): { statement: string; counter: string | undefined } {
  let counter: string | undefined;
  // Options stand behind the last line of columns; names and comments before it hold no line feeds.
  const without = statement.replace(
    /^(\) [^'"]*?) AUTO_INCREMENT=(\d+)/m,
    (_, before: string, found: string) => {
      counter = found;
      return before;
    },
  );
  return { statement: without, counter };
}
