import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Task } from '../../task.ts';
import type { DatabaseInfo, DatabaseSnapshot, DumpSink } from '../engine.ts';
import { copyDatabase } from './copy.ts';
import { damagedProblem, findDamage } from './damage.ts';
import { sqliteFailure } from './failure.ts';
import { openToRead, pragma } from './open.ts';
import { readPages } from './pages.ts';
import { canBackUp, type Connection } from './runtime.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { countObjects, listTables, PAGES, schemaText } from './tables.ts';

/**
 * Fixes the moment of a database by a read transaction, which from then on belongs to the snapshot. Until the dump has
 * made its copy, writers go on in WAL mode and wait in every other.
 * @param connection the snapshot’s own from now on
 */
export async function takeSnapshot(
  file: string,
  connection: Connection,
  task: Task,
): Promise<DatabaseSnapshot> {
  let copy: Scratch | undefined;
  const release = (): void => {
    if (connection.isOpen) connection.close();
    copy?.[Symbol.dispose]();
    copy = undefined;
  };
  const makeCopy = async (copyTask: Task): Promise<string> => {
    const bytes = pragma(connection, 'page_count') * pragma(connection, 'page_size');
    copy = makeScratch(bytes, dirname(file), file);
    const copied = join(copy.folder, 'copy.sqlite');
    await copyDatabase(connection, copied, copyTask);
    connection.close();
    return copied;
  };
  let early: string | undefined;
  let earlyDamage: string | undefined;
  try {
    if (await canBackUp()) {
      connection.exec('BEGIN');
      // A transaction begins with what it first reads.
      connection.prepare('SELECT count(*) FROM sqlite_schema').get();
    } else {
      // Its copy is written anew, row by row, and shows no damage.
      earlyDamage = findDamage(connection, task);
      early = await makeCopy(task);
    }
  } catch (error) {
    release();
    throw sqliteFailure(file, 'read', error);
  }
  const { size, mode } = statSync(file);
  return {
    estimatedBytes: size,
    async dump(sink, dumpTask) {
      try {
        const copied = early ?? (await makeCopy(dumpTask));
        return await dumpCopy(copied, { file, mode: mode & 0o777, damage: earlyDamage }, sink, dumpTask);
      } catch (error) {
        throw sqliteFailure(file, 'read', error);
      } finally {
        release();
      }
    },
    [Symbol.asyncDispose]: async () => {
      release();
      return Promise.resolve();
    },
  };
}

/** What is known of a database that its copy does not tell. */
interface Original {
  readonly file: string;
  readonly mode: number;
  /** Found before it was copied. */
  readonly damage: string | undefined;
}

async function dumpCopy(copy: string, original: Original, sink: DumpSink, task: Task): Promise<DatabaseInfo> {
  const stream = sink.stream(PAGES, 'blocks');
  const pages = await readPages(copy, (block) => stream.write(block), task);
  await stream.finish();
  const connection = openToRead(copy);
  try {
    const damage = original.damage ?? findDamage(connection, task);
    for (const table of listTables(connection, pages)) sink.storedTable(table);
    sink.object('schema.sql', schemaText(connection));
    if (damage !== undefined) sink.report(damagedProblem(original.file, damage));
    return describeCopy(connection, original);
  } finally {
    connection.close();
  }
}

function describeCopy(connection: Connection, { file, mode }: Original): DatabaseInfo {
  const text = (query: string): string => String(Object.values(connection.prepare(query).get() ?? {})[0]);
  return {
    engine: 'sqlite',
    product: `SQLite ${text('SELECT sqlite_version()')}`,
    database: basename(file),
    charset: text('PRAGMA encoding'),
    collation: undefined,
    objects: countObjects(connection),
    details: {
      mode,
      pageSize: pragma(connection, 'page_size'),
      pageCount: pragma(connection, 'page_count'),
      userVersion: pragma(connection, 'user_version'),
      applicationId: pragma(connection, 'application_id'),
      journalMode: text('PRAGMA journal_mode'),
    },
  };
}
