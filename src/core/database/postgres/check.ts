import { throwIfCancelled, type Task } from '../../task.ts';
import type { DumpedTable, DumpSource, TableHead } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { TableChecksum } from '../table-checksum.ts';
import { readBackStatements, readTables } from './catalog.ts';
import { copyOut } from './copy.ts';
import { firstFailure } from './first-failure.ts';
import { isLargeObjects, LARGE_OBJECT_TABLES } from './large-objects.ts';
import { countObjects, propertiesOf } from './properties.ts';
import type { Session } from './session.ts';

/**
 * Reads what was loaded back and compares it with the backup: objects, rows, checksums.
 * @param known tables whose rows were compared already; only their columns are now
 * @throws {DatabaseError} `check-failed`.
 */
export async function checkDatabase(
  sessions: readonly [Session, ...Session[]],
  source: DumpSource,
  known: ReadonlySet<DumpedTable>,
  task: Task,
): Promise<void> {
  const [leader] = sessions;
  const wanted = source.info.objects;
  const found = await countObjects(leader, propertiesOf(source.info).version);
  for (const kind of new Set([...Object.keys(wanted), ...Object.keys(found)])) {
    const [before = 0, now = 0] = [wanted[kind], found[kind]];
    if (before !== now) throw differs(`it has ${now} of the kind “${kind}”, the backup ${before}`);
  }
  await checkTables(sessions, source.tables, known, task);
}

/** Compares the rows of tables with the backup’s. */
async function checkTables(
  sessions: readonly [Session, ...Session[]],
  tables: readonly DumpedTable[],
  known: ReadonlySet<DumpedTable>,
  task: Task,
): Promise<void> {
  const catalog = new Map(
    (await readTables(sessions[0])).map((table) => [
      placeOf(table.head),
      { head: table.head, reads: readBackStatements(table) },
    ]),
  );
  const total = tables.reduce((sum, table) => sum + (known.has(table) ? 0 : table.bytes), 0);
  let done = 0;
  const waiting = [...tables].sort((a, b) => b.bytes - a.bytes);
  const check = async (session: Session) => {
    for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
      throwIfCancelled(task);
      const stored = table;
      const built = isLargeObjects(stored)
        ? LARGE_OBJECT_TABLES.find(({ head }) => head.name === stored.name)
        : catalog.get(placeOf(stored));
      if (built === undefined) throw differs(`it has no table ${placeOf(stored)}`);
      if (known.has(stored)) {
        checkShape(stored, built.head);
        continue;
      }
      await checkRows(session, stored, built);
      done += stored.bytes;
      task.progress?.({ phase: 'verify', done, total, unit: 'bytes' });
    }
  };
  await firstFailure(sessions.map(check), () => undefined);
}

/**
 * Compares rows with those of a table of the backup.
 * @param reads statements that read them, one of which gives them in the backup’s order
 * @throws {DatabaseError} `check-failed`.
 */
export async function checkRows(
  session: Session,
  stored: DumpedTable,
  { head, reads }: { readonly head: TableHead; readonly reads: readonly string[] },
): Promise<void> {
  checkShape(stored, head);
  for (const read of reads) if (await hasRowsOf(session, stored, read)) return;
  throw differs(`the rows of ${placeOf(stored)} are others`);
}

function checkShape(stored: DumpedTable, head: TableHead): void {
  const shape = ({ columns, key }: TableHead) => JSON.stringify([columns, key]);
  if (shape(head) !== shape(stored)) throw differs(`the columns or the key of ${placeOf(stored)} are others`);
}

/**
 * Whether a statement gives the rows of a table of the backup, in their order if it has a key.
 * @throws {DatabaseError} `check-failed` when their number differs.
 */
export async function hasRowsOf(session: Session, stored: DumpedTable, read: string): Promise<boolean> {
  const place = placeOf(stored);
  const sum = new TableChecksum(stored.key);
  const take = (block: Buffer, ended: number) => {
    sum.update(block, ended);
    return undefined;
  };
  await copyOut(session, read, take, `Checking the table ${place}`);
  const { rows, checksum } = sum.value;
  if (rows !== stored.rows) throw differs(`${place} has ${rows} rows, the backup ${stored.rows}`);
  // Only the names of grantees may differ, and those of owners.
  return checksum === stored.checksum || (isLargeObjects(stored) && stored.columns.length === 4);
}

function placeOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

function differs(how: string): DatabaseError {
  return new DatabaseError(
    'check-failed',
    `What was loaded is not what the backup has: ${how}. The live database is as it was.`,
  );
}
