import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError } from '../error.ts';
import type { ServerAddress } from './address.ts';
import { fitted, takenAtSwitch } from './fitted-objects.ts';
import { findReferring, readForeignKeys, repairForeignKeys, tablesOf } from './foreign-keys.ts';
import {
  MARKER,
  OWN_TABLES,
  type NewThings,
  type OldThings,
  readJournal,
  whichIsLive,
  writeJournal,
} from './journal.ts';
import { dropObject, makeObjects } from './make-object.ts';
import { readCatalog, refuseUnreadable } from './objects.ts';
import { quoteName, quoteTable, quoteText } from './quote.ts';
import { grantAgain, readRoutineGrants } from './routine-grants.ts';
import { databaseExists, oneValue, type Session, useDatabase } from './session.ts';
import { exchanged } from './staying-routines.ts';
import { findDefiner } from './statement.ts';
import type { StoredObject } from './stored-object.ts';
import type { Ticket } from './ticket.ts';
import { ServerRefusal } from './wire.ts';

/** How long the switch waits for statements and transactions of others. */
const WAIT_S = 5;
const LOCK_TIMEOUT = 1205;

/** Puts the new tables in place of the old ones; see `RestoreTarget.switch`. */
export async function switchTo(session: Session, server: ServerAddress, ticket: Ticket): Promise<void> {
  const live = await whichIsLive(session, ticket);
  if (live === 'gone') {
    throw new DatabaseError('not-in-backup', `What was built for ${server.place} is gone.`, {
      hint: 'Restore again.',
    });
  }
  const added = await readJournal(session, ticket, 'new');
  if (added === undefined) {
    throw new DatabaseError('check-failed', `What was built for ${server.place} is not complete.`, {
      hint: 'The live database is untouched. Restore again.',
    });
  }
  const { database } = ticket;
  const old = (await readJournal(session, ticket, 'old')) ?? (await keepOld(session, ticket));
  await useDatabaseOrCreate(session, ticket);
  await session.wire.query('SET SESSION foreign_key_checks = 0');
  if (live === 'old') await waitForOthers(session, server, ticket, old);
  const objects = exchanged(old, added);
  try {
    if (live === 'old') {
      for (const object of await doubtfulFirst(session, objects.old.toReversed()))
        await dropObject(session, object);
      await renameAll(session, ticket, ticket.newSchema, ticket.oldSchema);
    }
    await complete(session, ticket, { ...added, objects: objects.added });
    await grantAgain(session, old.grants, objects.added);
    await repairForeignKeys(session, database, old.foreignKeys);
  } catch (error) {
    if (!session.wire.isBroken) await switchBack(session, server, ticket);
    throw error;
  }
}

/**
 * Objects in the order in which they are dropped: first those of others, for MySQL may refuse to drop what an account
 * with SYSTEM_USER has made, whoever may drop the rest. It refuses no trigger.
 */
async function doubtfulFirst(
  session: Session,
  objects: readonly StoredObject[],
): Promise<readonly StoredObject[]> {
  const own = await oneValue(session, 'SELECT CURRENT_USER()');
  const isDoubtful = ({ kind, statement }: StoredObject) =>
    kind !== 'trigger' && findDefiner(statement)?.account !== own;
  return [...objects.filter(isDoubtful), ...objects.filter((object) => !isDoubtful(object))];
}

/** Puts the old tables back; see `RestoreTarget.switchBack`. */
export async function switchBack(session: Session, server: ServerAddress, ticket: Ticket): Promise<void> {
  const live = await whichIsLive(session, ticket);
  if (live === 'gone') return;
  const old = await readJournal(session, ticket, 'old');
  // Nothing of the live database was touched before this was written.
  if (old === undefined) return;
  const { wire } = session;
  await useDatabaseOrCreate(session, ticket);
  await wire.query('SET SESSION foreign_key_checks = 0');
  const objects = exchanged(old, await readJournal(session, ticket, 'new'));
  if (live === 'new') {
    await waitForOthers(session, server, ticket, old);
    for (const object of objects.added.toReversed()) await dropObject(session, object);
    await renameAll(session, ticket, ticket.oldSchema, ticket.newSchema);
  }
  if (ticket.creates) await wire.query(`DROP DATABASE IF EXISTS ${quoteName(ticket.database)}`);
  else {
    if (ticket.tables === null)
      await wire.query(
        `ALTER DATABASE ${quoteName(ticket.database)} CHARACTER SET ${old.charset} COLLATE ${old.collation}`,
      );
    // What could not be dropped is as it was. Those of accounts that may not be named would be lost otherwise.
    const remade = objects.old.map((object) => fitted(object, { ...ticket, collations: {} }));
    const missing = await missingOf(session, ticket.database, remade);
    await makeObjects(session, ticket.database, missing);
    await grantAgain(session, old.grants, objects.old);
  }
  await repairForeignKeys(session, ticket.database, old.foreignKeys);
}

/** Removes what is beside; see `RestoreTarget.clear`. */
export async function clear({ wire }: Session, { newSchema, oldSchema }: Ticket): Promise<void> {
  await wire.query('SET SESSION foreign_key_checks = 0');
  // The journal goes last.
  for (const schema of [oldSchema, newSchema])
    await wire.query(`DROP DATABASE IF EXISTS ${quoteName(schema)}`);
}

/** Ends a restore with the tables that are live; see `RestoreTarget.keepLive`. */
export async function keepLive(session: Session, ticket: Ticket): Promise<string | undefined> {
  const live = await whichIsLive(session, ticket);
  // A database that was to be made has none of its own to miss, and one that is there is somebody’s work.
  if (live === 'new' || (live === 'old' && !ticket.creates)) await makeMissing(session, ticket, live);
  if (live === 'old' || ticket.creates) {
    await clear(session, ticket);
    return undefined;
  }
  await session.wire.query('SET SESSION foreign_key_checks = 0');
  await session.wire.query(`DROP DATABASE IF EXISTS ${quoteName(ticket.newSchema)}`);
  return (await databaseExists(session, ticket.oldSchema)) ? `database ${ticket.oldSchema}` : undefined;
}

/**
 * Makes again what the switch has dropped and cannot move, as views and triggers. What is there stays as it is: somebody
 * may have mended it.
 */
async function makeMissing(session: Session, ticket: Ticket, live: 'old' | 'new'): Promise<void> {
  const old = await readJournal(session, ticket, 'old');
  // Nothing of the live database was touched before this was written.
  if (old === undefined) return;
  const added = await readJournal(session, ticket, 'new');
  const { database } = ticket;
  await useDatabaseOrCreate(session, ticket);
  await session.wire.query('SET SESSION foreign_key_checks = 0');
  const objects = exchanged(old, added);
  const wanted =
    live === 'new'
      ? objects.added
      : objects.old.map((object) => fitted(object, { ...ticket, collations: {} }));
  const missing = await missingOf(session, database, wanted);
  if (live === 'new') await runCompletions(session, added?.completions ?? []);
  await makeObjects(session, database, missing);
  await grantAgain(session, old.grants, missing);
  await repairForeignKeys(session, database, old.foreignKeys);
}

/** Those of some objects whose name nothing has in a database. */
async function missingOf(
  session: Session,
  database: string,
  objects: readonly StoredObject[],
): Promise<StoredObject[]> {
  const taken = new Set<string>();
  const take = (object: Pick<StoredObject, 'kind' | 'name'>) => taken.add(spaceOf(object));
  const catalog = await readCatalog(session, database, take);
  catalog.objects.forEach(take);
  return objects.filter((object) => !taken.has(spaceOf(object)));
}

/** A name with what must not be called so besides. */
function spaceOf({ kind, name }: Pick<StoredObject, 'kind' | 'name'>): string {
  return ['table', 'view', 'sequence'].includes(kind) ? `table ${name}` : `${kind} ${name.toLowerCase()}`;
}

async function useDatabaseOrCreate(
  session: Session,
  { database, charset, collation }: Ticket,
): Promise<void> {
  await session.wire.query(
    `CREATE DATABASE IF NOT EXISTS ${quoteName(database)} CHARACTER SET ${charset} COLLATE ${collation}`,
  );
  await useDatabase(session, database);
}

/** Writes down what the live database has that cannot be moved. */
async function keepOld(session: Session, ticket: Ticket): Promise<OldThings> {
  const { database, tables } = ticket;
  const moves = tables === null ? undefined : new Set(tables);
  const foreignKeys = await readForeignKeys(session, await findReferring(session, ticket, moves));
  const { charset, collation } = ticket;
  let old: OldThings = { objects: [], foreignKeys, grants: [], charset, collation };
  if (await databaseExists(session, database)) {
    await useDatabase(session, database);
    const catalog = await readCatalog(session, database, refuseUnreadable);
    old = {
      ...old,
      objects: takenAtSwitch(catalog.objects, moves),
      grants: tables === null ? ((await readRoutineGrants(session, database)) ?? []) : [],
      charset: catalog.charset,
      collation: catalog.collation,
    };
  }
  await writeJournal(session, ticket, 'old', old);
  return old;
}

/**
 * Waits until nobody holds one of the live tables, or one that refers to them; those who do not let go are told of or,
 * with consent, ended. Nothing is touched before.
 */
async function waitForOthers(
  session: Session,
  server: ServerAddress,
  ticket: Ticket,
  { foreignKeys }: OldThings,
): Promise<void> {
  const { wire } = session;
  const { database, tables } = ticket;
  const names = (await namesIn(session, database)).filter((name) => tables?.includes(name) ?? true);
  const live = names.map((name) => quoteTable(database, name));
  const touched = new Set([...live, ...(await tablesOf(session, foreignKeys))]);
  if (touched.size === 0) return;
  const locks = [...touched].map((table) => `${table} WRITE`).join(', ');
  await wire.query(`SET SESSION lock_wait_timeout = ${String(WAIT_S)}`);
  for (let tries = 0; ; tries++) {
    try {
      await wire.query(`LOCK TABLES ${locks}`);
      await wire.query('UNLOCK TABLES');
      break;
    } catch (error) {
      if (!(error instanceof ServerRefusal) || error.number !== LOCK_TIMEOUT || tries > 0) throw error;
      if (!ticket.mayEndSessions) {
        throw new DatabaseError('in-use', `Others use tables of ${server.place} without end.`, {
          hint: 'Stop what uses the database, or agree that its sessions are ended.',
        });
      }
      await endOthers(session, database);
    }
  }
  // From here on it is better to wait than to stop half way.
  await wire.query('SET SESSION lock_wait_timeout = 300');
}

/** Moves the live tables to one database and others here, in one statement: all or none. */
async function renameAll(session: Session, ticket: Ticket, from: string, to: string): Promise<void> {
  const { database, tables } = ticket;
  const here = (await namesIn(session, database)).filter((name) => tables?.includes(name) ?? true);
  const coming = (await namesIn(session, from)).filter((name) => !OWN_TABLES.has(name));
  const moves = [
    ...here.map((name) => `${quoteTable(database, name)} TO ${quoteTable(to, name)}`),
    ...coming.map((name) => `${quoteTable(from, name)} TO ${quoteTable(database, name)}`),
    `${quoteTable(from, MARKER)} TO ${quoteTable(to, MARKER)}`,
  ];
  await session.wire.query(`RENAME TABLE ${moves.join(', ')}`);
}

/** Ends the sessions of others who use a database. */
async function endOthers({ wire }: Session, database: string): Promise<void> {
  const others = await wire.query(
    `SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ${quoteText(database)} AND ID <> CONNECTION_ID()`,
  );
  for (const [id] of others) {
    try {
      await wire.query(`KILL ${id ?? '0'}`);
    } catch (error) {
      // It may have ended meanwhile.
      if (!(error instanceof ServerRefusal) || error.number !== 1094) throw error;
    }
  }
  await wait(100);
}

async function complete(
  session: Session,
  ticket: Ticket,
  { objects, completions }: NewThings,
): Promise<void> {
  const { wire } = session;
  const { database, charset, collation, tables } = ticket;
  if (tables === null)
    await wire.query(`ALTER DATABASE ${quoteName(database)} CHARACTER SET ${charset} COLLATE ${collation}`);
  await runCompletions(session, completions);
  for (const object of objects.toReversed()) await dropObject(session, object);
  await makeObjects(session, database, objects);
}

async function runCompletions({ wire }: Session, completions: readonly string[]): Promise<void> {
  for (const completion of completions) await wire.query(completion);
}

async function namesIn({ wire }: Session, schema: string): Promise<string[]> {
  const rows = await wire.query(
    `SELECT TABLE_NAME FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${quoteText(schema)} AND TABLE_TYPE <> 'VIEW' ORDER BY 1`,
  );
  return rows.map(([name]) => name ?? '');
}
