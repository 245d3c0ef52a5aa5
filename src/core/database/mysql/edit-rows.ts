import type { Task } from '../../task.ts';
import type { DatabaseAddress, RowEdit, RowEditor, TableHead } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { type Field, fieldsOf, linesOf, unescaped } from '../line.ts';
import { parseAddress } from './address.ts';
import { readExactCharsets, readTables } from './catalog.ts';
import type { ColumnPlan } from './columns.ts';
import { Failures } from './failure.ts';
import { bareNumber } from './load-rows.ts';
import { quoteName, quoteText } from './quote.ts';
import { readLines } from './read-lines.ts';
import { readReferences } from './references.ts';
import { openSession, type Session } from './session.ts';
import { planTable, type TablePlan } from './table-plan.ts';
import { ServerRefusal } from './wire.ts';

const LOCK_TIMEOUT_S = 15;
/** Foreign keys and unique keys: these may be fulfilled once other rows are there or gone. */
const MAY_PASS_LATER = [1062, 1216, 1217, 1451, 1452];
const CONSTRAINTS = [...MAY_PASS_LATER, 1048, 1364, 1557, 3819, 4025];
/** Columns of these types may change by themselves when another column does. */
const CHANGES_ITSELF = /^(timestamp|datetime)/i;

/** Connects to change single rows; see {@link RowEditor}. */
export async function editRows(address: DatabaseAddress, task: Task): Promise<RowEditor> {
  const server = parseAddress(address);
  const failures = new Failures(address, server);
  const clean = async <Result>(action: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw failures.of(error, action, 'write-failed');
    }
  };
  const session = await clean('reached', async () => openSession(server, server.database, task));
  const { wire } = session;
  const plans = new Map<string, TablePlan>();
  try {
    await clean('changed', async () => {
      for (const plan of await readPlans(session, server.database)) plans.set(plan.head.name, plan);
      await wire.query(
        `SET SESSION innodb_lock_wait_timeout = ${LOCK_TIMEOUT_S}, lock_wait_timeout = ${LOCK_TIMEOUT_S}`,
      );
      // What the server converts it may spoil.
      await wire.query('SET character_set_results = NULL');
      await wire.query('START TRANSACTION');
    });
  } catch (error) {
    await wire.close();
    throw error;
  }
  let references: ReturnType<typeof readReferences> | undefined;
  const lockAll = async (
    table: TableHead,
    columns: readonly number[],
    values: readonly Field[],
    most: number,
  ): Promise<readonly (readonly Field[])[]> =>
    clean('read', async () =>
      lock(session, plans.get(table.name)!, `${condition(table, columns, values)} LIMIT ${most}`),
    );
  return {
    table: async (_schema, name) => Promise.resolve(plans.get(name)?.head),
    lock: async (table, key) => (await lockAll(table, table.key, key, 1))[0],
    // Columns that refer have the collation of those they refer to.
    referring: async ({ table, columns, referenced }, _to, row, most) =>
      lockAll(
        table!,
        columns,
        referenced.map((at) => row[at] ?? null),
        most,
      ),
    references: async (table) =>
      clean('read', async () => {
        references ??= readReferences(session, server.database);
        return (await references)(table, (name) => plans.get(name)?.head);
      }),
    statement: rowStatement,
    run: async (sql) =>
      clean('changed', async () => {
        try {
          await wire.query(sql);
          return undefined;
        } catch (error) {
          // A statement that fails is undone by the server itself.
          if (!(error instanceof ServerRefusal && CONSTRAINTS.includes(error.number))) throw error;
          if (MAY_PASS_LATER.includes(error.number)) return refused();
          throw refused();
        }
      }),
    commit: async () =>
      clean('changed', async () => {
        await wire.query('COMMIT');
      }),
    [Symbol.asyncDispose]: async () => wire.close(),
  };
}

async function readPlans(session: Session, database: string): Promise<TablePlan[]> {
  const tables = (await readTables(session, database)).filter(({ kind }) => kind === 'table');
  const used = tables.flatMap(({ columns }) => columns.flatMap(({ charset }) => charset ?? []));
  const exact = await readExactCharsets(session, used);
  return tables.map((table) => {
    if (table.engine === 'InnoDB') return planTable(table, exact, database);
    const plan = planTable(table, exact, database);
    // Nothing of it could be taken back.
    return { ...plan, head: { ...plan.head, details: { ...plan.head.details, noTransactions: true } } };
  });
}

async function lock(
  { wire }: Session,
  plan: TablePlan,
  where: string,
): Promise<readonly (readonly Field[])[]> {
  const blocks: Buffer[] = [];
  const select = `${plan.select} WHERE ${where} FOR UPDATE`;
  await readLines(wire, plan.columns, select, (block) => void blocks.push(Buffer.from(block)));
  return linesOf(Buffer.concat(blocks)).map(fieldsOf);
}

function refused(): DatabaseError {
  return new DatabaseError('constraint', 'A key or another constraint of the database forbids it.', {
    hint: 'Restore the rows they refer to, or that refer to them, together with them.',
  });
}

/** What changes one row; see `DatabaseEngine.rowStatement`. */
export function rowStatement({ change, table, key, values }: RowEdit): string {
  const place = quoteName(table.name);
  const where = change === 'insert' ? '' : condition(table, table.key, key);
  if (change === 'delete') return `DELETE FROM ${place} WHERE ${where}`;
  const columns = [...values].map(([at, field]) => ({
    name: quoteName(table.columns[at]!.name),
    value: valueOf(field, literalsOf(table)[at]!),
  }));
  if (change === 'insert') {
    const names = columns.map(({ name }) => name).join(', ');
    return `INSERT INTO ${place} (${names}) VALUES (${columns.map(({ value }) => value).join(', ')})`;
  }
  const kept = table.columns.flatMap(({ name, type }, at) =>
    values.has(at) || !CHANGES_ITSELF.test(type) ? [] : `${quoteName(name)} = ${quoteName(name)}`,
  );
  const sets = [...columns.map(({ name, value }) => `${name} = ${value}`), ...kept].join(', ');
  return `UPDATE ${place} SET ${sets} WHERE ${where}`;
}

function condition(table: TableHead, columns: readonly number[], values: readonly Field[]): string {
  const literals = literalsOf(table);
  return columns
    .map(
      (column, at) =>
        `${quoteName(table.columns[column]!.name)} = ${valueOf(values[at] ?? null, literals[column]!)}`,
    )
    .join(' AND ');
}

function literalsOf(table: TableHead): readonly ColumnPlan['literal'][] {
  return table.details?.['literals'] as readonly ColumnPlan['literal'][];
}

function valueOf(field: Field, form: ColumnPlan['literal']): string {
  if (field === null) return 'NULL';
  if (form === 'bare') return bareNumber(field).toString('latin1');
  if (form === 'hex') return `x'${field.toString('latin1')}'`;
  const bytes = unescaped(field);
  try {
    return quoteText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return `_utf8mb4 x'${bytes.toString('hex')}'`;
  }
}
