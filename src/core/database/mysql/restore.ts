import type { Task } from '../../task.ts';
import type { DatabaseAddress, DatabasePlan, DumpSource, RestoreRequest, RestoreTarget } from '../engine.ts';
import { parseAddress, type ServerAddress } from './address.ts';
import { DatabaseError } from '../error.ts';
import { build } from './build.ts';
import { readDumped } from './dumped.ts';
import { Failures } from './failure.ts';
import { fit } from './fit.ts';
import { madeAtSwitch, takenAtSwitch } from './fitted-objects.ts';
import { findReferring, mustMayRepair, nameBeside } from './foreign-keys.ts';
import { withFormerRows } from './former-rows.ts';
import { whichIsLive } from './journal.ts';
import { readCatalog, refuseUnreadable } from './objects.ts';
import { quoteText } from './quote.ts';
import { tellLostGrants } from './routine-grants.ts';
import { databaseExists, oneValue, openSession, type Session, useDatabase } from './session.ts';
import { exchanged } from './staying-routines.ts';
import { clear, keepLive, switchBack, switchTo } from './switch.ts';
import { BESIDE, readTicket, type Ticket } from './ticket.ts';

/** Connects to restore; see `RestoreTarget`. */
export async function openTarget(
  address: DatabaseAddress,
  target: string | undefined,
  task: Task,
): Promise<RestoreTarget> {
  const server = parseAddress(address, target);
  const failures = new Failures(address, server);
  let session: Session | undefined;
  try {
    session = await openSession(server, undefined, task);
  } catch (error) {
    throw failures.of(error, 'reached');
  }
  /** Works with a session; one that broke is replaced, for every step may be tried again. */
  const guarded = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    try {
      if (session === undefined || session.wire.isBroken) session = await openSession(server, undefined, {});
      return await work(session);
    } catch (error) {
      throw failures.of(error, 'restored', 'write-failed');
    }
  };
  return {
    plan: async (source, request) => guarded(async (own) => plan(own, server, source, request)),
    build: async (source, ticket, buildTask) =>
      guarded(async (own) => build(own, server, source, readTicket(ticket), buildTask)),
    switch: async (ticket) => guarded(async (own) => switchTo(own, server, readTicket(ticket))),
    switchBack: async (ticket) => guarded(async (own) => switchBack(own, server, readTicket(ticket))),
    clear: async (ticket) => guarded(async (own) => clear(own, readTicket(ticket))),
    whichIsLive: async (ticket) =>
      guarded(async (own) => ((await whichIsLive(own, readTicket(ticket))) === 'new' ? 'new' : 'old')),
    keepLive: async (ticket) => guarded(async (own) => keepLive(own, readTicket(ticket))),
    [Symbol.asyncDispose]: async () => session?.wire.close(),
  };
}

async function plan(
  session: Session,
  server: ServerAddress,
  source: DumpSource,
  request: RestoreRequest,
): Promise<DatabasePlan> {
  const { database, place } = server;
  const dumped = await readDumped(source, request.tables);
  const creates = !(await databaseExists(session, database));
  if (!creates) await useDatabase(session, database);
  if (creates && request.tables !== undefined) {
    throw new DatabaseError(
      'no-database',
      `Single tables cannot be restored to ${place}, which does not exist.`,
      {
        hint: 'Restore the whole database there.',
      },
    );
  }
  const schemas = {
    database,
    newSchema: `${BESIDE}new_${request.restoreId}`,
    oldSchema: `${BESIDE}old_${request.restoreId}`,
  };
  // What could not be put back must not be taken away.
  const live = creates ? undefined : await readCatalog(session, database, refuseUnreadable);
  const names = dumped.tables.map(({ name }) => name);
  const moves = request.tables === undefined ? undefined : new Set(names);
  const taken = takenAtSwitch(live?.objects ?? [], moves);
  const { collations, lostDefiners, notices } = await fit(
    session,
    server,
    source.info,
    dumped,
    taken,
    schemas,
  );
  const referring = await findReferring(session, schemas, moves);
  await mustMayRepair(session, database, referring);
  const isReplaced = ({ name }: { readonly name: string }): boolean => moves?.has(name) ?? true;
  const lost = await withFormerRows(session, database, (live?.tables ?? []).filter(isReplaced));
  const collation = source.info.collation ?? 'utf8mb4_general_ci';
  const ticket: Ticket = {
    ...schemas,
    creates,
    tables: request.tables === undefined ? null : names,
    charset: source.info.charset ?? 'utf8mb4',
    collation: collations[collation] ?? collation,
    lostDefiners,
    collations,
    mayEndSessions: request.mayEndSessions,
  };
  const added = { objects: madeAtSwitch(dumped.objects, source.info.database, ticket) };
  const exchange = exchanged({ objects: moves === undefined ? taken : [] }, added);
  return {
    ticket: { ...ticket },
    target: place,
    creates,
    isEmpty: live === undefined || ![...live.tables, ...live.objects].some(isReplaced),
    tables: names.length,
    notices: [
      ...notices,
      ...referring.map(
        (key) =>
          `“${nameBeside(database, key)}” refers to a restored table by its foreign key “${key.name}”.`,
      ),
      ...lost.map(
        (name) => `The former rows that MariaDB keeps of “${name}” are in no backup and will be lost.`,
      ),
      ...(await tellLostGrants(session, database, exchange)),
      ...(await othersNotice(session, database, request.mayEndSessions)),
    ],
  };
}

async function othersNotice(session: Session, database: string, mayEnd: boolean): Promise<string[]> {
  const others = await oneValue(
    session,
    `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = ${quoteText(database)} AND ID <> CONNECTION_ID()`,
  );
  if (others === undefined || others === '0') return [];
  return [
    mayEnd
      ? `${others} other sessions use it; those that do not let go of its tables will be ended.`
      : `${others} other sessions use it; they wait while the tables are switched.`,
  ];
}
