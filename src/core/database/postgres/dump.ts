import { throwIfCancelled, type Task } from '../../task.ts';
import type { DatabaseInfo, DumpSink } from '../engine.ts';
import { type CatalogTable, copyOutStatement } from './catalog.ts';
import { copyOut } from './copy.ts';
import { dumpLargeObjects } from './large-objects.ts';
import { countObjects, type Properties, readProperties } from './properties.ts';
import type { Session } from './session.ts';
import type { Moment } from './snapshot.ts';

/**
 * Hands a moment of a database to the sink: tables on all connections, the largest first, then what else there is.
 * Cancelling ends the connections.
 * @throws {DatabaseError} `missing-privilege`, `connection-lost`, `changed-while-reading` … {CancelledError}
 */
export async function dump(moment: Moment, sink: DumpSink, task: Task): Promise<DatabaseInfo> {
  const abort = () => moment.readers.forEach((session) => session.abort());
  task.signal?.addEventListener('abort', abort, { once: true });
  try {
    throwIfCancelled(task);
    const [leader] = moment.readers as readonly [Session];
    const properties = await readProperties(leader);
    const objects = await countObjects(leader);
    for (const message of properties.notes) {
      sink.report({ code: 'database-incomplete', path: '', message, incomplete: false });
    }
    const waiting = [...moment.tables].sort((a, b) => b.bytes - a.bytes);
    const read = async (session: Session) => {
      for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
        await dumpTable(session, table, sink);
      }
    };
    await firstFailure(moment.readers.map(read), abort);
    if (properties.largeObjects > 0) await dumpLargeObjects(leader, sink);
    const schema = await moment.schema.schema;
    sink.object('schema/pre-data.sql', schema.preData);
    sink.object('schema/post-data.sql', schema.postData);
    return infoOf(leader, properties, objects);
  } catch (error) {
    throwIfCancelled(task);
    throw error;
  } finally {
    task.signal?.removeEventListener('abort', abort);
  }
}

async function dumpTable(session: Session, table: CatalogTable, sink: DumpSink): Promise<void> {
  const { schema, name } = table.head;
  const rows = sink.table(table.head);
  await copyOut(
    session,
    copyOutStatement(table),
    (block) => rows.write(block),
    `Reading the table ${schema}.${name}`,
  );
  await rows.finish();
}

/** Waits for all; when one fails the others are ended, and its failure is the one that is told. */
export async function firstFailure(works: readonly Promise<void>[], abort: () => void): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    works.map(async (work) =>
      work.catch((error: unknown) => {
        if (failure === undefined) {
          failure = { error };
          abort();
        }
      }),
    ),
  );
  const failed = failure as { readonly error: unknown } | undefined;
  if (failed !== undefined) throw failed.error;
}

function infoOf(session: Session, properties: Properties, objects: Record<string, number>): DatabaseInfo {
  return {
    engine: 'postgresql',
    product: productOf(session.version),
    database: session.server.address.database,
    charset: properties.encoding,
    collation: properties.collate,
    objects,
    details: properties,
  };
}

/** `PostgreSQL 15.18`. */
export function productOf(version: number): string {
  return `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
}
