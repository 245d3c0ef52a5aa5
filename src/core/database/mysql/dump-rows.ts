import type { DumpSink } from '../engine.ts';
import type { CatalogTable } from './catalog.ts';
import { KeyWatch } from './key-watch.ts';
import { readLines, type RowWatch } from './read-lines.ts';
import { oneValue, type Session } from './session.ts';
import { planTable, type TablePlan } from './table-plan.ts';
import { ServerRefusal } from './wire.ts';

/**
 * Hands the rows of all tables to the sink; every reader takes the largest table that is left.
 * @param session one that does not read, to stop a reader
 * @param exact charsets whose conversion loses nothing; see `planColumn`
 */
export async function dumpRows(
  session: Session,
  tables: readonly CatalogTable[],
  readers: readonly Session[],
  exact: ReadonlySet<string>,
  database: string,
  sink: DumpSink,
): Promise<void> {
  const left = tables.toSorted((a, b) => a.bytes - b.bytes);
  let failed = false;
  const stop = stopper(session);
  await Promise.all(
    readers.map(async (reader) => {
      const { wire } = reader;
      // What the server converts it may spoil; readers take values as they are stored.
      await wire.query('SET character_set_results = NULL');
      // What the server calls it, whatever a proxy between has said.
      const id = (await oneValue(reader, 'SELECT CONNECTION_ID()')) ?? '0';
      for (let table = left.pop(); table !== undefined && !failed; table = left.pop()) {
        try {
          const plan = planTable(table, exact, database);
          await wire.query('SAVEPOINT table_begins');
          if (!(await dumpByIndex(reader, plan, async () => stop(id), sink)))
            await dumpInOrder(reader, plan, sink);
          // Lets go of the table, so that whoever wants to alter it need not wait for the whole dump.
          await wire.query('ROLLBACK TO SAVEPOINT table_begins');
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    }),
  );
}

async function dumpInOrder({ wire }: Session, plan: TablePlan, sink: DumpSink): Promise<void> {
  const rows = sink.table(plan.head);
  await readLines(wire, plan.columns, plan.inOrder, (block, ended) => rows.write(block, ended));
  await rows.finish();
}

/**
 * Dumps a table without letting the server sort it, as long as its index has the order of a dump: keys of lower-case
 * letters and digits, such as UUIDs, have the same in every collation.
 * @returns false where it has not; nothing is dumped then
 */
async function dumpByIndex(
  reader: Session,
  { head, columns, byIndex }: TablePlan,
  stop: () => Promise<void>,
  sink: DumpSink,
): Promise<boolean> {
  if (byIndex === undefined) return false;
  const order = new KeyWatch(head.columns, head.key);
  const watch: RowWatch = { takes: (bytes, start) => order.takes(bytes, start), stop };
  const rows = sink.table(head);
  if (await readLines(reader.wire, columns, byIndex, (block, ended) => rows.write(block, ended), watch)) {
    await rows.finish();
    return true;
  }
  rows.abandon();
  await passRefusal(reader);
  return false;
}

/** Ends what a session runs, but not its transaction; one after the other, for all share the one that does it. */
function stopper({ wire }: Session): (id: string) => Promise<void> {
  let before = Promise.resolve();
  return async (id) => {
    before = before.then(async () => {
      try {
        await wire.query(`KILL QUERY ${id}`);
      } catch (error) {
        // Where that is not allowed, the rest comes and is passed over.
        if (!(error instanceof ServerRefusal)) throw error;
      }
    });
    return before;
  };
}

/** A statement that had just ended when it was to be stopped leaves the refusal to the next one. */
async function passRefusal({ wire }: Session): Promise<void> {
  try {
    await wire.query('DO 0');
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
  }
}
