import { throwIfCancelled, type Task } from '../../task.ts';
import type { DatabaseInfo, DumpSink } from '../engine.ts';
import { type CatalogTable, copyOutStatement } from './catalog.ts';
import { copyOut } from './copy.ts';
import { dumpLargeObjects } from './large-objects.ts';
import { firstFailure } from './first-failure.ts';
import { productOf } from './product.ts';
import type { RunningSchemaDump } from './schema-dump.ts';
import { countObjects, type Properties, readProperties } from './properties.ts';
import type { Session } from './session.ts';

/** One moment of a database, with everything that reads it. */
export interface Moment {
  /** All in transactions on the same snapshot; the first is the one that exported it. */
  readonly readers: readonly Session[];
  readonly tables: readonly CatalogTable[];
  readonly schema: RunningSchemaDump;
}

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
    (block, ended) => rows.write(block, ended),
    `Reading the table ${schema}.${name}`,
  );
  await rows.finish();
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
